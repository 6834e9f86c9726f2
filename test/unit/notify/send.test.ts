// Sending by a channel to a service that does not take all of it: the words arrive all the same.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { Channel, Shape } from "../../../src/base/config/channels.ts";
import { testMessage } from "../../../src/notify/message.ts";
import { type SendEffects, send } from "../../../src/notify/send.ts";
import { WebReceiver } from "../../support/machines/receivers.ts";

const web = new WebReceiver();
before(() => web.listen());
after(() => web.close());
beforeEach(() => {
  web.received.length = 0;
});

const effects: SendEffects = {
  run: () => Promise.reject(new Error("there is no command")),
  picture: async () => Buffer.from("PNG"),
  environment: {},
  host: "node1",
  ssh: [],
};

function attempt(shape: Shape) {
  const address = `http://127.0.0.1:${web.port}/topic`;
  const destination = { kind: "webhook", shape, address, token: null, room: null, authority: null } as const;
  const channel: Channel = { name: "phone", destination, events: [], quiet: null, atMostEvery: 0, picture: true };
  return send(channel, testMessage("id", "node1", 0), effects);
}

const withPicture = () => web.received.map(({ body }) => body.includes("PNG"));

test("a service that refuses pictures, or has no room for more of them, is sent the words alone at once", async () => {
  for (const shape of ["ntfy", "discord"] as const) {
    for (const status of [400, 413, 415, 429]) {
      web.received.length = 0;
      web.behaviour = ({ body }) => (body.includes("PNG") ? status : 200);
      assert.deepEqual(await attempt(shape), { taken: true, problem: "" }, `${shape} ${status}`);
      assert.deepEqual(withPicture(), [true, false], `${shape} ${status}`);
      assert.ok(JSON.parse((web.received[1]?.body ?? "").toString()));
    }
  }
});

test("a service that refuses the words too, is in trouble or wants a pause is not asked again for the picture", async () => {
  web.behaviour = 400;
  assert.match((await attempt("ntfy")).problem, /^it answered 400$/);
  assert.deepEqual(withPicture(), [true, false]);
  for (const behaviour of [500, 403, { status: 429, headers: { "retry-after": "60" } }]) {
    web.received.length = 0;
    web.behaviour = behaviour;
    assert.equal((await attempt("ntfy")).taken, false);
    assert.deepEqual(withPicture(), [true]);
  }
});
