// addon typings name @xterm/xterm; we run the headless build, whose types are the same without the DOM.
export * from "@xterm/headless";
