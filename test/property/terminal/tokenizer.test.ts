// The tokenizer finds in a stream what xterm.js' own parser finds, wherever it is cut, and goes on from a
// state that was stored.
import assert from "node:assert/strict";
import { test } from "node:test";
import headless from "@xterm/headless";
import fc from "fast-check";
import { type TokenHandler, Tokenizer } from "../../../src/base/text/tokenizer.ts";
import { stream } from "./vocabulary.ts";

/** What was found, in words; text that follows text is one. */
class Found {
  readonly tokens: string[] = [];
  #text = "";

  text(text: string): void {
    this.#text += text;
  }

  token(token: string): void {
    this.end();
    this.tokens.push(token);
  }

  end(): string[] {
    if (this.#text !== "") this.tokens.push(`text ${JSON.stringify(this.#text)}`);
    this.#text = "";
    return this.tokens;
  }
}

const name = (...codes: number[]) => codes.map((code) => (code === 0 ? "" : String.fromCharCode(code))).join("");

function handler(found: Found): TokenHandler {
  return {
    text: (chunk, from, to, ascii) => found.text(ascii ? chunk.ascii(from, to) : chunk.utf8(from, to)),
    control: (code) => found.token(`control ${code}`),
    csi: (final, prefix, intermediate, { values, count }) =>
      found.token(`csi ${name(prefix, intermediate, final)} ${values.slice(0, count).map((value) => Math.max(0, value))}`),
    esc: (final, intermediate) => {
      // ESC \ ends a string; xterm.js does not tell it
      if (intermediate !== 0 || final !== 0x5c) found.token(`esc ${name(intermediate, final)}`);
    },
  };
}

function tokens(output: Buffer, sizes: readonly number[], stop = false): string[] {
  const found = new Found();
  let tokenizer = new Tokenizer(handler(found));
  for (let at = 0, i = 0; at < output.length; i++) {
    const size = sizes[i % sizes.length] as number;
    tokenizer.feed(output.subarray(at, at + size), at);
    at += size;
    if (stop) tokenizer = new Tokenizer(handler(found), JSON.parse(JSON.stringify(tokenizer.state())));
  }
  return found.end();
}

/** A parser of xterm.js, which belongs to no terminal. */
interface Parser {
  identToString(ident: number): string;
  setPrintHandler(handler: (codes: Uint32Array, from: number, to: number) => void): void;
  setExecuteHandlerFallback(handler: (code: number) => void): void;
  setCsiHandlerFallback(handler: (ident: number, params: { params: Int32Array; length: number }) => void): void;
  setEscHandlerFallback(handler: (ident: number) => void): void;
  setErrorHandler(handler: (state: unknown) => unknown): void;
  parse(codes: Uint32Array, length: number): void;
}

const terminal = new headless.Terminal({ allowProposedApi: true });
const XtermParser = (terminal as unknown as { _core: { _inputHandler: { _parser: { constructor: new () => Parser } } } })._core
  ._inputHandler._parser.constructor;
terminal.dispose();

function xtermTokens(text: string): string[] {
  const found = new Found();
  const parser = new XtermParser();
  parser.setPrintHandler((codes, from, to) => found.text(String.fromCodePoint(...codes.subarray(from, to))));
  parser.setExecuteHandlerFallback((code) => {
    // CAN and SUB only end sequences
    if (code !== 0x18 && code !== 0x1a) found.token(`control ${code}`);
  });
  parser.setCsiHandlerFallback((ident, { params, length }) =>
    found.token(`csi ${parser.identToString(ident)} ${params.slice(0, length)}`),
  );
  parser.setEscHandlerFallback((ident) => {
    const letters = parser.identToString(ident);
    if (letters !== "\\") found.token(`esc ${letters}`);
  });
  // characters that have no place in a sequence: dropped, as everywhere; only its words about it are not
  // wanted
  parser.setErrorHandler((state) => state);
  const codes = Uint32Array.from([...text], (character) => character.codePointAt(0) as number);
  parser.parse(codes, codes.length);
  return found.end();
}

/**
 * What is left out: a byte order mark, which xterm.js' decoder takes away before its parser; DEL, which its
 * parser calls an error; APC, PM and SOS, which it ends at the first character above U+009F and ctlseqs does
 * not.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: output is made of them
const leftOut = /\x1b[X^_]|[\x98\x9e\x9f\ufeff\x7f\ufffd]/g;

/**
 * One sequence in words that both can say: the last intermediate alone, numbers up to ours, none behind
 * colons.
 */
function common(token: string): string {
  return token.replace(/^((?:csi|esc) [<-?]?)[ -/]*([ -/])/, "$1$2").replace(/\d{6,}/g, "99999");
}

test("it finds what xterm.js finds", () => {
  fc.assert(
    fc.property(stream, (output) => {
      const text = Buffer.from(output).toString().replace(leftOut, "").replaceAll(":", ";");
      const theirs = xtermTokens(text);
      assert.deepEqual(tokens(Buffer.from(text), [text.length * 4 + 1]), theirs.map(common));
    }),
    { numRuns: 1000, seed: 3 },
  );
});

test("a stream says the same however it is cut, and after a stop at every cut", () => {
  fc.assert(
    fc.property(stream, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (output, sizes) => {
      const bytes = Buffer.from(output);
      const whole = tokens(bytes, [bytes.length + 1]);
      assert.deepEqual(tokens(bytes, sizes), whole);
      assert.deepEqual(tokens(bytes, sizes, true), whole);
    }),
    { numRuns: 500, seed: 4 },
  );
});
