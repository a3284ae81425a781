import { Effect } from "effect"
import { required, serviceFlags } from "../args/flags.ts"
import { connectToService } from "../client.ts"
import { command, type Example, flags, positionals } from "../command.ts"
import { serviceJson } from "../output/serviceText.ts"

/** Defines `pause` and `resume`, which make one call for one service. */
export const pausing = (definition: {
  readonly summary: string
  readonly examples: ReadonlyArray<Example>
  readonly notes: ReadonlyArray<string>
  readonly act: "pause" | "resume"
  readonly says: (name: string) => string
}) =>
  command({
    summary: definition.summary,
    examples: definition.examples,
    notes: definition.notes,
    flags: flags(serviceFlags),
    positionals: positionals({ name: required("NAME", "The service") }),
    run: (input, terminal) =>
      Effect.gen(function* () {
        const { at, cloud, name } = yield* connectToService(input)
        const service = yield* cloud.services[definition.act](name, at)
        if (terminal.json) terminal.printJson({ service: serviceJson(service) })
        else terminal.say(definition.says(name))
      })
  })
