// The YAML that falcon's configurations are written in.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readYaml, YamlError, type YamlValue } from "../../../../src/trainers/falcon/config/yaml.ts";

/** Maps without the missing prototype, for comparing. */
const plain = (value: YamlValue) => JSON.parse(JSON.stringify(value));

test("what OmegaConf saves", () => {
  const text = `logging:
  local:
    enabled: true
paths:
  imports:
  - .
  graph: null
graph:
  theta:
    evidence:
    - x
    simulator:
      _target_: falcon.priors.Product
      priors:
      - - normal
        - 0.0
        - 1.0
      - - uniform
        - -1.5e-3
        - 1.0e+2
  x:
    observed: ./data/observed.npz['x']
    empty: {}
    none: []
run_dir: output/261124-035549-lilac-hamster
`;
  assert.deepEqual(plain(readYaml(text)), {
    logging: { local: { enabled: true } },
    paths: { imports: ["."], graph: null },
    graph: {
      theta: {
        evidence: ["x"],
        simulator: {
          _target_: "falcon.priors.Product",
          priors: [
            ["normal", 0, 1],
            ["uniform", -0.0015, 100],
          ],
        },
      },
      x: { observed: "./data/observed.npz['x']", empty: {}, none: [] },
    },
    run_dir: "output/261124-035549-lilac-hamster",
  });
});

test("what people write: comments, flow, quotes, anchors, block scalars, odd keys", () => {
  const text = `# a comment
a: &base {x: 1, y: [2, "three, four", 'it''s']}   # behind
b:
  <<: *base
  x: 9
"odd: key": yes it is
θ_1: "caf\\u00e9 \\x41"
text: |
  one
    two

  three
folded: >-
  one
  two
list:
  - name: p
    size: 1
  - {name: q}
  -
    - deep
long: this goes on
  over two lines
url: http://host:80/a#b
`;
  assert.deepEqual(plain(readYaml(text)), {
    a: { x: 1, y: [2, "three, four", "it's"] },
    b: { x: 9, y: [2, "three, four", "it's"] },
    "odd: key": "yes it is",
    θ_1: "café A",
    text: "one\n  two\n\nthree\n",
    folded: "one two",
    list: [{ name: "p", size: 1 }, { name: "q" }, [["deep"]][0]],
    long: "this goes on over two lines",
    url: "http://host:80/a#b",
  });
});

test("numbers and words", () => {
  const text = "[1, -2, 0.5, 1e3, 1.5e-3, .5, true, False, null, ~, 1.2.3, 12:30]";
  assert.deepEqual(plain(readYaml(text)), [1, -2, 0.5, 1000, 0.0015, 0.5, true, false, null, null, "1.2.3", "12:30"]);
  assert.equal(readYaml(".inf"), Number.POSITIVE_INFINITY);
  assert.ok(Number.isNaN(readYaml(".nan")));
  assert.equal(readYaml(""), null);
});

test("what it cannot read is told with its line", () => {
  for (const text of ["a: 1\nb c\n", "a: [1, 2\n", "a: *nobody\n", 'a: "open\n']) {
    assert.throws(
      () => readYaml(text),
      (error: unknown) => error instanceof YamlError && error.line >= 1 && /^line \d+: /.test(error.message),
      text,
    );
  }
  assert.throws(
    () => readYaml("a: 1\nb: 2\nc: [}\n"),
    (error: unknown) => error instanceof YamlError && error.line === 3,
  );
});

test("any text either reads or fails with a YamlError, in bounded time", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.constantFrom("a: ", "- ", "\n", "  ", "[", "]", "{", "}", '"', "'", "|", "&x ", "*x", "#", ": "),
          fc.string({ maxLength: 4 }),
        ),
      ),
      (parts) => {
        try {
          readYaml(parts.join(""));
        } catch (error) {
          assert.ok(error instanceof YamlError, String(error));
        }
      },
    ),
    { numRuns: 2000, seed: 11 },
  );
});
