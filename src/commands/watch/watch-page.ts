// A page of text in front of the watch's table, as its help and the report of an end are.
import type { Action } from "../../base/keymap.ts";

/** A page of text in front of the table. */
export interface Page {
  title: string;
  text: readonly string[];
  top: number;
}

/** A key on a page, of which the terminal shows so many lines. False: the page is left. */
export function turnPage(page: Page, action: Action<"watch">, room: number): boolean {
  const last = Math.max(0, page.text.length - room);
  const to = (top: number) => {
    page.top = Math.min(last, Math.max(0, top));
  };
  if (action === "down") to(page.top + 1);
  else if (action === "up") to(page.top - 1);
  else if (action === "page-down") to(page.top + room);
  else if (action === "page-up") to(page.top - room);
  else if (action === "first") to(0);
  else if (action === "last") to(last);
  else return false;
  return true;
}
