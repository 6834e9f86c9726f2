// What `falcon web` tells the process that it becomes.

/** The settings of a web process. */
export interface WebSettings {
  /** null: the Unix socket in the home. `name`: what it is called in a link. */
  listen: { host: string; port: number; name: string } | null;
  tls: { cert: string; key: string } | null;
  open: boolean;
  behindProxy: boolean;
  /** The only origin that is let in, without a slash at its end. */
  origin: string | null;
  /** Path before everything, with a slash at both ends. */
  base: string;
  /** Names that the page may be called by. */
  names: string[];
}

/** The settings of a page that is written to a folder. */
export interface ShareSettings {
  /** Its id. */
  session: string;
  /** The folder. */
  to: string;
  /** How often it is written while the run goes on (ms). */
  every: number;
}

export interface WebCommand<Settings> {
  home: string;
  version: string;
  /**
   * It goes on when its terminal is gone: `nohup` started it. Node sets each signal that was ignored back to
   * its default when it starts, so that the process itself cannot find out.
   */
  outlivesTerminal: boolean;
  options: Settings;
}
