// Times in the zone of the call, shown and said.
import assert from "node:assert/strict";
import { test } from "node:test";
import { localTime, timeSaid } from "../../../src/base/text/zone.ts";

const winter = Date.UTC(2026, 10, 27, 13, 30, 5);

test("by TZ of the call, with winter and summer, and where it is none that is known", () => {
  assert.equal(localTime(winter, { TZ: "Europe/Berlin" }), "2026-11-27 14:30:05");
  assert.equal(localTime(winter, { TZ: ":America/New_York" }), "2026-11-27 08:30:05");
  assert.equal(localTime(Date.UTC(2026, 6, 1, 12), { TZ: "Europe/Berlin" }), "2026-07-01 14:00:00");
  assert.equal(localTime(winter, { TZ: "no such zone" }), "2026-11-27 13:30:05");
  assert.match(localTime(winter, {}), /^2026-11-2\d \d\d:\d\d:05$/);
});

test("what a person says is read in that zone too; what names a zone is in that one", () => {
  const said = (text: string, TZ: string, next = false) => {
    const time = timeSaid(text, winter, { TZ }, next);
    return time === undefined ? undefined : new Date(time).toISOString();
  };
  assert.equal(said("14:30", "Europe/Berlin"), "2026-11-27T13:30:00.000Z");
  assert.equal(said("14:30", "America/New_York"), "2026-11-27T19:30:00.000Z");
  assert.equal(said("23:00", "Asia/Tokyo"), "2026-11-27T14:00:00.000Z", "of the day that it is there");
  assert.equal(said("14:30", "Europe/Berlin", true), "2026-11-28T13:30:00.000Z", "the next one");
  assert.equal(said("2026-07-01", "Europe/Berlin"), "2026-06-30T22:00:00.000Z", "its midnight, in summer time");
  assert.equal(said("2026-11-24 14:30:05", "Asia/Tokyo"), "2026-11-24T05:30:05.000Z");
  assert.equal(said("2026-11-24T14:30Z", "Asia/Tokyo"), "2026-11-24T14:30:00.000Z");
  assert.equal(said("2026-11-24T14:30+02:00", "Asia/Tokyo"), "2026-11-24T12:30:00.000Z");
  const noZones = ["+25:00", "-24:00", "+02:60", "+9999"].map((zone) => `2026-11-24T14:30${zone}`);
  for (const text of [...noZones, "25:00", "2026-02-30", "2026-13-01", "yesterday", "2026-11-24T14", ""])
    assert.equal(said(text, "UTC"), undefined, text);
});

test("on the days on which the clocks are changed", () => {
  const at = (text: string) => new Date(timeSaid(text, winter, { TZ: "Europe/Berlin" }) ?? 0).toISOString();
  assert.equal(at("2026-03-29T01:59"), "2026-03-29T00:59:00.000Z");
  assert.equal(at("2026-03-29T03:00"), "2026-03-29T01:00:00.000Z");
  assert.equal(at("2026-03-29T02:30"), "2026-03-29T01:30:00.000Z", "an hour that does not exist is the one after it");
  assert.equal(at("2026-10-25T02:30"), "2026-10-25T00:30:00.000Z", "the first of two");
  assert.equal(at("2026-10-25T03:30"), "2026-10-25T02:30:00.000Z");
});

test("a zone that is named by its file, as clusters set it, is that zone", () => {
  const time = Date.UTC(2026, 6, 1, 12);
  for (const TZ of ["Europe/Berlin", ":Europe/Berlin", "/usr/share/zoneinfo/Europe/Berlin", ":/usr/share/zoneinfo/Europe/Berlin"])
    assert.equal(localTime(time, { TZ }), "2026-07-01 14:00:00", TZ);
  for (const TZ of [":/etc/localtime", "/etc/localtime"]) assert.equal(localTime(time, { TZ }), localTime(time, {}), TZ);
});
