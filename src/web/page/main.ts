// The page's entry: shows the run that was written into it (`falcon share --to`), else lets itself in and
// shows what the address names. One script for both, since the terminal is most of it.

import { Connection, type View } from "./connection.ts";
import { fill, h, setText } from "./dom.ts";
import { enter, isLink, me, NotLetIn } from "./server.ts";
import { sharedRun, showShared } from "./shared.ts";
import { startTheme, switchTheme } from "./theme.ts";
import { CompareView } from "./views/compare.ts";
import { RunView, tabOf } from "./views/run.ts";
import { RunsView } from "./views/runs.ts";
import { allowStyles } from "./widgets/allowed-styles.ts";

const main = h("main", { id: "main" });
const standing = h("span", { class: "standing", role: "status" });

async function begin(): Promise<void> {
  allowStyles();
  startTheme();
  // only what stands behind the # differs in a new link: the browser loads nothing by itself
  addEventListener("hashchange", () => {
    if (isLink(location.hash)) location.reload();
  });
  const theme = h("button", { type: "button", class: "plain", onclick: switchTheme }, "Light / dark");
  fill(
    document.body,
    h("a", { class: "skip", href: "#main", onclick: skip }, "to the page"),
    h("div", { class: "top", role: "banner" }, h("a", { href: "#/", class: "brand" }, "falcon"), standing, theme),
    main,
  );
  try {
    await enter();
  } catch (error) {
    if (!(error instanceof NotLetIn)) throw error;
    return refuse(error.message);
  }
  const connection = new Connection((now) => {
    document.documentElement.dataset.connection = typeof now === "string" ? now : "refused";
    if (typeof now !== "string") return refuse(`${now.refused}.`);
    setText(standing, now === "connected" ? "" : "connecting …");
  });
  let shown: { view: View; key: string } | undefined;
  const route = () => {
    if (isLink(location.hash)) return;
    const { session } = me();
    const [what, name = "", tab] = location.hash.replace(/^#\//, "").split("/");
    const id = session ?? (what === "run" && /^[a-z0-9]{6}$/.test(name) ? name : undefined);
    const key = id ?? (what === "compare" ? `compare ${name}` : "runs");
    if (shown?.key === key) {
      const wanted = tabOf(tab);
      if (shown.view instanceof RunView && wanted !== undefined) shown.view.open(wanted);
      return;
    }
    shown?.view.dispose?.();
    document.title = "falcon";
    const view =
      id !== undefined
        ? new RunView(main, connection, id, tabOf(tab) ?? "curves")
        : what === "compare"
          ? new CompareView(
              main,
              name.split(",").filter((word) => /^[a-z0-9]{6}$/.test(word)),
            )
          : new RunsView(main);
    shown = { view, key };
    connection.show(view);
    scrollTo(0, 0);
  };
  addEventListener("hashchange", route);
  route();
}

function skip(event: Event): void {
  event.preventDefault();
  main.tabIndex = -1;
  main.focus();
}

function refuse(why: string): void {
  fill(main, h("h1", {}, "Not let in"), h("p", { class: "note", role: "alert" }, why));
}

const run = sharedRun();
if (run === undefined) void begin();
else showShared(run);
