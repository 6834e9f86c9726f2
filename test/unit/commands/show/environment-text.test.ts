// `falcon show --env`: keys are hidden, everything else is shown.
import assert from "node:assert/strict";
import { test } from "node:test";
import { environmentText, maskedEnvironment } from "../../../../src/commands/show/environment-text.ts";

const hidden = (name: string, value: string) => (maskedEnvironment({ [name]: value })[name] ?? "").includes("(hidden");

test("names that promise a secret", () => {
  for (const name of [
    "WANDB_API_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "GITHUB_TOKEN",
    "PGPASSWORD",
    "DB_PASS",
    "MYSQL_PWD",
    "HF_TOKEN",
    "SESSION_COOKIE",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "SENTRY_DSN",
    "BASIC_AUTH",
    "gpg_passphrase",
  ]) {
    assert.ok(hidden(name, "x"), name);
  }
});

test("values that look like keys, whatever their name is", () => {
  for (const value of [
    "sk-proj-abc",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl",
    "hf_abcdefgh",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY12",
    "q8Zt3LmN0vXy7RbKd2WsPf5HjTc9Ga1e",
  ]) {
    assert.ok(hidden("OPAQUE", value), value);
  }
});

test("what is no key is shown", () => {
  for (const [name, value] of Object.entries({
    PWD: "/home/ada/gaussian",
    SSH_AUTH_SOCK: "/tmp/ssh-XXXX/agent.1234",
    PATH: "/opt/conda/envs/falcon-2024/bin:/usr/local/cuda-12.4/bin:/usr/bin",
    LD_LIBRARY_PATH: "/opt/intel/oneapi/2024.1/lib/intel64",
    CUDA_VISIBLE_DEVICES: "0,1,2,3",
    LANG: "en_US.UTF-8",
    SLURM_JOB_ID: "12345678",
    OMP_NUM_THREADS: "8",
    LS_COLORS: "rs=0:di=01;34:ln=01;36:mh=00:pi=40;33:so=01;35:do=01;35:bd=40;33;01",
    DBUS_SESSION_BUS_ADDRESS: "unix:path=/run/user/1000/bus",
    CONDA_PROMPT_MODIFIER: "(falcon) ",
    OUTPUT: "output/260206-080146-brave-lovelace",
    EMPTY_TOKEN: "",
  })) {
    assert.ok(!hidden(name, value), `${name}=${value}`);
  }
});

test("a password inside a URL is hidden, the rest of it is not", () => {
  assert.equal(
    maskedEnvironment({ DATABASE: "postgres://ada:hunter2@db.example.org/runs" }).DATABASE,
    "postgres://ada:(hidden)@db.example.org/runs",
  );
});

test("one line a variable, sorted, without control characters", () => {
  assert.equal(environmentText({ B: "two\nlines\x1b[31m", A: "1" }), "A=1\nB=two\\nlines\\x1b[31m\n");
});
