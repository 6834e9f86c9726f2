// Exports, opened by programs that nobody here wrote: the asciinema player, Chromium, an SVG renderer, XML
// and PNG readers.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { program } from "../../support/compile.ts";
import { until, untilFile } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { brightness, chromium, packageFile, readPng, shownInChromium, tool, used } from "../../support/installs/foreign.ts";
import { falcon, notBuilt } from "../../support/paths.ts";
import { footerReaches } from "../../support/terminal/footer.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

const browser = tool("chromium", "chromium-browser", "google-chrome");
const player = packageFile("asciinema-player", "dist", "bundle", "asciinema-player.min.js");

describe("falcon export", () => {
  const home = new TestHome();
  after(() => home.dispose());
  const file = (name: string) => path.join(home.work, name);
  const made = async (format: string, name: string, ...args: string[]) => {
    await home.ok(["export", id, "--format", format, "-o", name, ...args]);
    return fs.readFileSync(file(name));
  };
  let id: string;

  before(async () => {
    // colours, wide characters, what has a meaning in XML, and a run whose last screen stays
    const script = [
      "printf 'plain <b>&amp;</b> \\033[1;31mred\\033[0m \\033[7minverse\\033[0m \\033[38;2;10;200;90mrgb\\033[0m\\n'",
      "printf '漢字 and ─── │ └┘ é\\n'",
      "sleep 3",
      "printf '\\033[4munderlined\\033[0m \\033[48;5;21m on blue \\033[0m\\n'",
      "echo the end",
    ].join("; ");
    id = await home.start(["sh", "-c", script], ["--name", "shown", "--size", "60x12"]);
    await home.untilState(id, "exited");
  });

  test("text is the lines; with --at it is the screen of that moment", async () => {
    const lines = ["plain <b>&amp;</b> red inverse rgb", "漢字 and ─── │ └┘ é", "underlined  on blue ", "the end", ""];
    const screen = lines.map((line) => line.trimEnd()).join("\n");
    assert.equal((await home.run(["export", id, "--format", "text"])).stdout, lines.join("\n"));
    assert.equal((await made("text", "t.txt")).toString(), lines.join("\n"));
    assert.equal(
      (await home.run(["export", id, "--format", "text", "--at", "1.5s"])).stdout,
      `${lines.slice(0, 2).join("\n")}\n`,
    );
    assert.equal((await home.run(["export", id, "--format", "text", "--at", "-0s"])).stdout, screen);
    const late = await home.run(["export", id, "--format", "text", "--at", "3h"]);
    assert.equal(late.code, 2);
    assert.match(late.stderr, /^falcon: --at 3h: what is kept of session/);
  });

  test("html --history is every line with its looks, and nothing else", async () => {
    const page = (await made("html", "history.html", "--history")).toString();
    const lines = [...page.matchAll(/<div>(.*)<\/div>/g)].map(([, line]) => line);
    assert.equal(lines.length, 4);
    assert.match(
      lines[0] as string,
      /^plain &#60;b&#62;&#38;amp;&#60;\/b&#62; <span style="color:#e5484d;font-weight:bold">red<\/span> /,
    );
    assert.match(lines[0] as string, /<span style="color:#0ac85a">rgb<\/span>$/);
    assert.match(lines[2] as string, /text-decoration:underline">underlined<\/span>/);
    assert.equal(lines[3], "the end");
    const long = await home.start(["sh", "-c", "seq 5000; printf 'x%.0s' $(seq 1200); echo; echo"], ["--size", "40x10"]);
    await home.untilState(long, "exited");
    await home.ok(["export", long, "--history", "-o", "long.html"]);
    const all = [...fs.readFileSync(file("long.html"), "utf8").matchAll(/<div>(.*)<\/div>/g)].map(([, line]) => line);
    const numbers = Array.from({ length: 5000 }, (_, i) => String(i + 1));
    assert.deepEqual(all, [...numbers, "x".repeat(1200), " "]);
    for (const [args, why] of [
      [["--format", "svg", "--history"], "--history belongs to --format html; svg has none"],
      [["--format", "text", "--history"], "--history belongs to --format html; text has all lines anyway"],
      [
        ["--format", "html", "--history", "--at", "1s"],
        "--history is of the whole session, --at of one screen: give one of them",
      ],
    ] as const) {
      const said = await home.run(["export", id, ...args]);
      assert.deepEqual([said.code, said.stderr], [2, `falcon: ${why}\n`]);
    }
  });

  for (const [format, version] of [
    ["cast", 2],
    ["cast-v3", 3],
  ] as const) {
    test(`${format} says in asciicast ${version} what was written and when`, async () => {
      const [head, ...events] = (await made(format, `${format}.cast`))
        .toString()
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
      assert.equal(head.version, version);
      assert.deepEqual(version === 2 ? [head.width, head.height] : [head.term.cols, head.term.rows], [60, 12]);
      const out = events.filter(([, code]) => code === "o");
      assert.equal(out.map(([, , text]) => text).join(""), (await home.run(["logs", id, "--raw"])).stdout);
      const total = version === 2 ? out.at(-1)[0] : events.reduce((sum, [time]) => sum + time, 0);
      assert.ok(total >= 0.2 && total < 20, `${total} s`);
      if (version === 3) assert.deepEqual(events.at(-1)?.slice(1), ["x", "0"]);
    });

    test(`${format} plays in the asciinema player`, {
      skip: skipped(["Chromium", browser], ["asciinema-player", player]),
    }, async () => {
      const cast = await made(format, `p-${format}.cast`);
      const page = file(`${format}.html`);
      fs.copyFileSync(player as string, file("player.js"));
      fs.writeFileSync(
        page,
        `<!doctype html><meta charset="utf-8"><div id="p"></div><script src="player.js"></script><script>
        const player = AsciinemaPlayer.create("data:text/plain;base64,${cast.toString("base64")}", document.getElementById("p"), { preload: true, idleTimeLimit: 1 });
        setInterval(() => { if (document.getElementById("p").textContent.includes("the end")) document.title = "shown"; }, 50);
        player.play();
        </script>`,
      );
      const ended =
        'document.querySelector(".ap-term") !== null && document.querySelector(".ap-term").innerText.includes("the end")';
      const text = await shownInChromium(browser as string, home.work, pathToFileURL(page).href, ended);
      for (const said of ["plain", "underlined", "on blue", "the end"]) assert.ok(text.includes(said), `${said} in ${text}`);
    });
  }

  test("asciinema's own reader takes version 2", { skip: skipped(["asciinema", tool("asciinema")]) }, async () => {
    await made("cast", "own.cast");
    const reader = tool("asciinema") as string;
    assert.equal(used(reader, ["cat", file("own.cast")]), (await home.run(["logs", id, "--raw"])).stdout);
  });

  test("pauses of a recording are shortened, or not", async () => {
    const total = async (...args: string[]) => {
      const events = (await made("cast", "i.cast", ...args)).toString().trimEnd().split("\n").slice(1);
      return JSON.parse(events.at(-1) as string)[0] as number;
    };
    assert.ok((await total("--idle", "0.01")) < 0.2);
    assert.ok((await total("--idle", "0")) >= 0.25);
  });

  test("SVG is XML that others draw as we draw the PNG", async () => {
    const svg = (await made("svg", "s.svg")).toString();
    assert.match(svg, /plain &#60;b&#62;&#38;amp;&#60;\/b&#62;/);
    assert.match(svg, /fill="#0ac85a"/);
    const xmllint = tool("xmllint");
    if (xmllint !== undefined) used(xmllint, ["--noout", file("s.svg")]);
    const png = readPng(await made("png", "s.png"));
    assert.ok(png.width > 900 && png.height > 300, `${png.width}x${png.height}`);
    const ours = brightness(png, 30, 12);
    const rsvg = tool("rsvg-convert");
    if (rsvg !== undefined) {
      used(rsvg, ["--zoom=2", "-o", file("r.png"), file("s.svg")]);
      alike(ours, brightness(readPng(fs.readFileSync(file("r.png"))), 30, 12), "rsvg-convert");
    }
    if (browser !== undefined) {
      const [, width, height] = /width="([\d.]+)" height="([\d.]+)"/.exec(svg) as RegExpExecArray;
      const window = `${Math.ceil(Number(width))},${Math.ceil(Number(height))}`;
      chromium(browser, home.work, [
        `--screenshot=${file("c.png")}`,
        `--window-size=${window}`,
        "--force-device-scale-factor=2",
        pathToFileURL(file("s.svg")).href,
      ]);
      alike(ours, brightness(readPng(fs.readFileSync(file("c.png"))), 30, 12), "Chromium");
    }
    const pngcheck = tool("pngcheck");
    if (pngcheck !== undefined) assert.match(used(pngcheck, [file("s.png")]), /OK/);
  });

  test("HTML is a whole document with the text of the screen", async () => {
    const html = (await made("html", "h.html")).toString();
    assert.match(html, /^<!DOCTYPE html>/);
    assert.doesNotMatch(html, /<pre>/);
    const tidy = tool("tidy");
    if (tidy !== undefined) used("/bin/sh", ["-c", `${tidy} -q -e --drop-empty-elements no ${file("h.html")}`]);
    if (browser !== undefined) {
      const dom = chromium(browser, home.work, ["--dump-dom", pathToFileURL(file("h.html")).href]);
      const text = dom.replace(/<style>.*<\/style>/s, "").replace(/<[^>]*>/g, "");
      assert.ok(text.includes("plain &lt;b&gt;&amp;amp;&lt;/b&gt; red inverse rgb"), text);
      assert.ok(text.includes("漢字 and ─── │ └┘ é"), text);
      chromium(browser, home.work, [
        `--screenshot=${file("h.png")}`,
        "--window-size=560,230",
        pathToFileURL(file("h.html")).href,
      ]);
      const light = brightness(readPng(fs.readFileSync(file("h.png"))), 4, 4);
      // dark, with text in its upper left
      assert.ok((light[0] as number) > 35 && (light[15] as number) < 35, light.join(" "));
    }
  });

  test("a figure of the losses of a run, and a sentence where there are none", async () => {
    const none = await home.run(["export", id, "--format", "curve-svg"]);
    assert.equal(none.code, 1);
    assert.match(none.stderr, /has no run directory, so no losses are known/);
  });

  test("a file is there whole or not at all, with the caller's umask; others stay as they were", async () => {
    const shell = async (umask: string, name: string) =>
      home.run(["-c", `umask ${umask}; exec "$0" "$@"`, falcon, "export", id, "--format", "text", "-o", name], {
        file: "/bin/sh",
      });
    assert.equal((await shell("022", "u1")).code, 0);
    assert.equal((await shell("077", "u2")).code, 0);
    assert.equal(fs.statSync(file("u1")).mode & 0o777, 0o644);
    assert.equal(fs.statSync(file("u2")).mode & 0o777, 0o600);
    fs.writeFileSync(file("old"), "old", { mode: 0o640 });
    fs.symlinkSync("old", file("link"));
    await home.ok(["export", id, "--format", "text", "-o", "link"]);
    assert.ok(fs.lstatSync(file("link")).isSymbolicLink());
    assert.match(fs.readFileSync(file("old"), "utf8"), /the end/);
    assert.equal(fs.statSync(file("old")).mode & 0o777, 0o640);
    fs.writeFileSync(file("kept.svg"), "kept");
    const failed = await home.run(["export", id, "--format", "curve-svg", "-o", "kept.svg"]);
    assert.equal(failed.code, 1);
    assert.equal(fs.readFileSync(file("kept.svg"), "utf8"), "kept");
    for (const [name, said] of [
      ["no/such/folder.svg", /its folder does not exist/],
      [".", /is a directory/],
    ] as const) {
      const out = await home.run(["export", id, "--format", "svg", "-o", name]);
      assert.equal(out.code, 125);
      assert.match(out.stderr, said);
    }
    assert.deepEqual(
      fs.readdirSync(home.work).filter((name) => name.startsWith(".")),
      [],
    );
  });

  test("goes into no file of another user, and through no link of theirs", {
    skip: process.getuid?.() !== 0 && "needs root, to give files away",
  }, async () => {
    const shared = path.join(home.work, "shared");
    fs.mkdirSync(shared);
    fs.chmodSync(shared, 0o1777);
    const mine = path.join(home.work, "mine.txt");
    fs.writeFileSync(mine, "mine");
    fs.symlinkSync(mine, path.join(shared, "link"));
    fs.symlinkSync(home.work, path.join(shared, "folder"));
    fs.writeFileSync(path.join(shared, "file"), "theirs");
    for (const name of ["link", "folder", "file"]) fs.lchownSync(path.join(shared, name), 12345, 12345);
    for (const [name, why] of [
      ["link", /link is a link of another user \(12345\)/],
      ["folder/mine.txt", /folder is a link of another user \(12345\)/],
      ["file", /file belongs to another user \(12345\)/],
    ] as const) {
      const result = await home.run(["export", id, "--format", "text", "-o", path.join(shared, name)]);
      assert.notEqual(result.code, 0);
      assert.match(result.stderr, why);
      assert.match(result.stderr, /^falcon: [^\n]+; nothing was written\n$/);
    }
    assert.equal(fs.readFileSync(mine, "utf8"), "mine");
    assert.equal(fs.readFileSync(path.join(shared, "file"), "utf8"), "theirs");
    // one's own link still leads to its target
    fs.symlinkSync(mine, path.join(home.work, "own-link"));
    await home.ok(["export", id, "--format", "text", "-o", path.join(home.work, "own-link")]);
    assert.notEqual(fs.readFileSync(mine, "utf8"), "mine");
  });

  /** Of a file that may be renamed meanwhile. */
  const begun = (name: string) => (fs.statSync(file(name), { throwIfNoEntry: false })?.size ?? 0) > 0;

  test("nothing of an export stays when the server is killed in its midst", async () => {
    const long = await home.start(["seq", "3000000"], ["--name", "long"]);
    await home.untilState(long, "exited");
    const parts = () => fs.readdirSync(home.work).filter((name) => name.startsWith(".half"));
    const asked = home.run(["export", long, "--format", "text", "-o", "half"]);
    await until(() => parts().some(begun), "the beginning of the export");
    const server = home.serverPid() as number;
    process.kill(server, "SIGSTOP");
    assert.notDeepEqual(parts(), [], "the export has not ended yet");
    process.kill(server, "SIGKILL");
    await asked;
    await until(() => parts().length === 0, "it to be removed");
  });

  test("a pipe takes all of it, at its reader's pace; what is cut off there is told as a part", async () => {
    // a piece of it is more than a pipe holds
    const long = await home.start(["sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x"]);
    await home.untilState(long, "exited");
    await home.ok(["export", long, "--format", "cast", "-o", "whole.cast"]);
    const whole = fs.readFileSync(file("whole.cast"));
    execFileSync("mkfifo", [file("fifo")]);
    // a pipe without a reader is refused: this one is there before the slow one is
    const first = fs.openSync(file("fifo"), fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    const slow = home.run(["-c", "exec 3<fifo; sleep 1; cat <&3 > taken"], { file: "/bin/sh" });
    try {
      await home.ok(["export", long, "--format", "cast", "-o", "fifo"]);
      assert.equal((await slow).code, 0);
    } finally {
      fs.closeSync(first);
    }
    assert.ok(fs.readFileSync(file("taken")).equals(whole));
    const second = fs.openSync(file("fifo"), fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    const taking = home.run(["-c", "exec 3<fifo; head -c 1 <&3"], { file: "/bin/sh" });
    const cut = home.run(["-c", `"$0" export ${long} --format cast -o fifo`, falcon], { file: "/bin/sh" });
    try {
      assert.equal((await taking).code, 0);
    } finally {
      fs.closeSync(second);
    }
    const { code, stderr } = await cut;
    assert.deepEqual([code, stderr], [125, `falcon: cannot write ${file("fifo")}: nobody reads on; a part of it was written\n`]);
  });

  test("a descriptor of the caller's (/dev/stdout) is no file: one sentence", async () => {
    for (const name of ["/dev/stdout", "/dev/../dev/stderr", "/dev/fd/1", "/proc/self/fd/1", "/proc/thread-self/fd/1"]) {
      const said = await home.run(["export", id, "--format", "text", "-o", name]);
      assert.deepEqual([said.code, said.stdout], [2, ""]);
      assert.match(said.stderr, /^falcon: -o \S+: .*leave -o out: it goes to stdout then\n$/);
    }
  });

  test("an export that is broken off leaves the file as it was", async () => {
    const long = await home.start(["seq", "3000000"], ["--name", "broken"]);
    await home.untilState(long, "exited");
    const parts = () => fs.readdirSync(home.work).filter((name) => name.startsWith(".kept"));
    fs.writeFileSync(file("kept"), "as it was\n");
    const terminal = home.terminal(["export", long, "--format", "text", "-o", "kept"]);
    await until(() => parts().some(begun), "the beginning of the export");
    terminal.key("C-c");
    await terminal.waitForExit();
    await until(() => parts().length === 0, "the end of the export");
    assert.match(fs.readFileSync(file("kept"), "utf8").slice(-20), /^as it was\n$|\n3000000\n$/, "a part of the export");
  });

  test("wrong uses get one sentence; PNG does not go to a terminal", async () => {
    const format = await home.run(["export", id, "--format", "gif"]);
    assert.equal(format.code, 2);
    assert.match(format.stderr, /^falcon: --format gif: give one of cast, /);
    const terminal = home.terminal(["export", id, "--format", "png"], { cols: 100, rows: 5 });
    assert.equal((await terminal.waitForExit()).code, 2);
    await terminal.waitFor("png is no text for a terminal: give it a file with -o");
    assert.doesNotMatch(terminal.text(), /PNG\r/);
    // a pipe takes it
    const piped = await home.run(["-c", `"$0" export ${id} --format png > piped.png`, falcon], { file: "/bin/sh" });
    assert.equal(piped.code, 0);
    readPng(fs.readFileSync(file("piped.png")));
    // the format follows from the name
    await home.ok(["export", id, "-o", "by-name.svg"]);
    assert.match(await untilFile(file("by-name.svg")), /<svg /);
  });

  test("falcon's display at a moment in the middle of a run that goes on", async () => {
    const running = await home.start([program("footer"), "50", "8"], ["--size", "100x30"]);
    const terminal = home.terminal(["attach", running], { cols: 100, rows: 30 });
    await footerReaches(terminal, 200);
    const then = await home.run(["export", running, "--format", "text", "--at", "2s"]);
    assert.equal(then.code, 0, then.stderr);
    assert.match(then.stdout, /driver message ([3-9]|1\d)\d\n/);
    assert.doesNotMatch(then.stdout, /driver message 200/);
    assert.match(then.stdout, /j\/k: node/);
    terminal.key("C-\\", "x");
    await terminal.waitForExit();
    await home.ok(["kill", running]);
  });
});

/** Why a test is left out: the tools that are not installed. False when all are. */
function skipped(...tools: [name: string, found: string | undefined][]): string | false {
  const missing = tools.filter(([, found]) => found === undefined).map(([name]) => name);
  return missing.length === 0 ? false : `not installed: ${missing.join(", ")}`;
}

/** Two drawings of the same text: the means of their cells differ little, and not everywhere is the same. */
function alike(ours: number[], theirs: number[], who: string): void {
  const spread = Math.max(...ours) - Math.min(...ours);
  assert.ok(spread > 40, `a picture without contrast: ${spread}`);
  const worst = Math.max(...ours.map((light, i) => Math.abs(light - (theirs[i] as number))));
  assert.ok(worst < spread / 4, `${who} draws a cell that differs by ${worst.toFixed(1)} of ${spread.toFixed(1)}`);
}
