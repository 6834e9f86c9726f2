// What each trainer looks at itself: what can cost a run of it that is started here.
import { allTrainers } from "../trainers/registry.ts";
import { type Caller, type Finding, warning } from "./condition.ts";

/** The conditions of all trainers that have some, by their names. @param root of our own installation */
export function checkTrainers(
  { directory, environment }: Pick<Caller, "directory" | "environment">,
  root: string,
): Promise<{ name: string; findings: Finding[] }[]> {
  return Promise.all(
    allTrainers.flatMap(({ conditions }) =>
      conditions === undefined
        ? []
        : [
            conditions.look({ directory, environment, root }).then((found) => ({
              name: conditions.name,
              findings: found.map(({ id, what, remedy }) => warning(id, what, remedy)),
            })),
          ],
    ),
  );
}
