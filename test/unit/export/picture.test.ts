import assert from "node:assert/strict";
import { test } from "node:test";
import { background, foreground, paletteColour } from "../../../src/export/picture.ts";
import { renderScreen } from "../../../src/export/render.ts";
import { xml } from "../../../src/export/svg.ts";
import { readPng } from "../../support/installs/foreign.ts";

const screen = (replay: string, format: "html" | "svg" | "png", cols = 20, rows = 3) =>
  renderScreen({ do: "screen", format, cols, rows, replay: Buffer.from(replay), title: "a <title>" });
const svgOf = async (replay: string) => Buffer.from(await screen(replay, "svg")).toString();

test("the palette of 256 colours", () => {
  assert.deepEqual([16, 21, 196, 231, 232, 255].map(paletteColour), [
    "#000000",
    "#0000ff",
    "#ff0000",
    "#ffffff",
    "#080808",
    "#eeeeee",
  ]);
});

test("looks become attributes, backgrounds boxes, blanks nothing", async () => {
  const svg = await svgOf("\x1b[1;31mbold\x1b[0m \x1b[7minv\x1b[0m \x1b[3;4mit\x1b[0m\r\n\x1b[48;2;1;2;3m  \x1b[0m");
  assert.match(svg, /fill="#e5484d" font-weight="bold">bold<\/text>/);
  assert.match(svg, new RegExp(`fill="${background}">inv</text>`));
  assert.match(svg, new RegExp(`<rect x="[\\d.]+" y="[\\d.]+" width="[\\d.]+" height="[\\d.]+" fill="${foreground}"/>`));
  assert.match(svg, /font-style="italic" text-decoration="underline">it<\/text>/);
  assert.match(svg, /fill="#010203"\/>/);
  assert.equal((svg.match(/<text /g) ?? []).length, 3);
  assert.match(svg, /<title>a &#60;title&#62;<\/title>/);
});

test("braille is drawn as dots, since the picture's font has none of it", async () => {
  const svg = await svgOf("a\u2801\u28ffb \x1b[31m\u2880\x1b[0m");
  const paths = [...svg.matchAll(/<path d="([^"]*)" fill="([^"]*)"\/>/g)].map(([, d = "", fill]) => ({
    dots: d
      .split("M")
      .slice(1)
      .map((dot) => dot.split(/[ h]/, 2).map(Number) as [number, number]),
    fill,
  }));
  assert.deepEqual(
    paths.map(({ dots, fill }) => [dots.length, fill]),
    [
      [9, foreground],
      [1, "#e5484d"],
    ],
  );
  const [one, ...all] = paths[0]?.dots ?? [];
  assert.ok(one !== undefined && all.every(([x]) => x > one[0] + 4), "the first cell has its upper left dot alone");
  assert.equal(new Set(all.map(([x]) => x)).size, 2);
  assert.equal(new Set(all.map(([, y]) => y)).size, 4);
  assert.doesNotMatch(svg, /[\u2800-\u28ff]/);
  assert.match(svg, />a {2}b</, "what stands beside it stays in its column");
});

test("a wide character takes two columns, and what follows stays in its own", async () => {
  const cell = (1233 / 2048) * 14;
  // the second has two code units
  for (const wide of ["漢", "😀"]) {
    const svg = await svgOf(`${wide}x`);
    const x = (text: string) => Number(new RegExp(`x="([\\d.]+)"[^>]*>${text}<`).exec(svg)?.[1]);
    assert.ok(Math.abs(x("x") - x(wide) - 2 * cell) < 0.02, svg);
  }
});

test("what XML cannot hold is replaced", () => {
  assert.equal(xml("a\u0001\ud800b\ufffe😀<"), "a\ufffd\ufffdb\ufffd😀&#60;");
});

test("a PNG is the drawing in twice its size", async () => {
  const { width, height, data } = readPng(Buffer.from(await screen("hello", "png")));
  assert.ok(width > 380 && width < 400 && height > 140 && height < 150, `${width}x${height}`);
  const colours = new Set<number>();
  for (let i = 0; i < data.length; i += 4) colours.add(data.readUInt32BE(i));
  assert.ok(colours.size > 5, "only one colour");
});

test("HTML keeps the text and says what it is", async () => {
  const html = Buffer.from(await screen("<b> & \x1b[32mok\x1b[0m", "html")).toString();
  assert.match(html, /^<!DOCTYPE html>\n<html lang="en">/);
  assert.match(html, /<title>a &#60;title&#62;<\/title>/);
  assert.match(html, /&lt;b> &amp; /);
  assert.match(html, /<span style='color: #4e9a06;'>ok<\/span>/);
});
