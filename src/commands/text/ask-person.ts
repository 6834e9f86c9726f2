// A question to the person at the caller's terminal, answered by a line.
import { type Call, InputMode } from "../dispatch/call.ts";

/** Characters of an answer: a number, a y or a name. */
const longestAnswer = 200;

/** Whether somebody is there to be asked. */
export function canAsk({ request: { terminal } }: Call): boolean {
  return terminal.stdin && terminal.stdout;
}

/**
 * The line that is typed, without blanks around it; "" at the end of the input, and when the client is gone.
 * The terminal edits and shows it.
 */
export async function askLine(call: Call, question: string): Promise<string> {
  call.stderr(question);
  let typed = "";
  const answered = new Promise<void>((done) => {
    call.onInput = (bytes) => {
      typed = (typed + bytes.toString("utf8")).slice(0, longestAnswer);
      if (/[\r\n]/.test(typed)) done();
    };
    call.onInputEnd = done;
  });
  call.inputMode(InputMode.plain);
  await Promise.race([answered, call.gone]);
  call.inputMode(InputMode.off);
  call.onInput = () => {};
  call.onInputEnd = () => {};
  return (typed.split(/[\r\n]/, 1)[0] as string).trim();
}
