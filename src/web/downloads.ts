// What the page offers of a run as a file, for both sides: formats of `falcon export`.

/** One format. */
export interface Download {
  /** As the page calls it. */
  what: string;
  type: string;
  /** The end of the file's name. */
  end: string;
  /** Whether a link may have it: it has no command line and no environment. */
  link: boolean;
}

/** By format, in the order in which the page shows them. */
export const downloads: Readonly<Record<string, Download>> = {
  "curve-csv": { what: "losses, CSV", type: "text/csv; charset=utf-8", end: "-losses.csv", link: true },
  "curve-json": { what: "losses, JSON", type: "application/json", end: "-losses.json", link: true },
  "curve-svg": { what: "losses, SVG", type: "image/svg+xml", end: "-losses.svg", link: true },
  "curve-png": { what: "losses, PNG", type: "image/png", end: "-losses.png", link: true },
  npz: { what: "everything, numpy arrays", type: "application/zip", end: ".npz", link: false },
  csv: { what: "everything, CSV", type: "text/csv; charset=utf-8", end: ".csv", link: false },
  json: { what: "everything, JSON", type: "application/json", end: ".json", link: false },
  text: { what: "the whole log, text", type: "text/plain; charset=utf-8", end: ".txt", link: true },
  png: { what: "the screen, PNG", type: "image/png", end: ".png", link: true },
  svg: { what: "the screen, SVG", type: "image/svg+xml", end: ".svg", link: false },
  html: { what: "the screen, HTML", type: "text/html; charset=utf-8", end: ".html", link: false },
  cast: { what: "recording, asciicast v2", type: "application/x-asciicast", end: ".cast", link: false },
  "cast-v3": { what: "recording, asciicast v3", type: "application/x-asciicast", end: ".cast", link: false },
};
