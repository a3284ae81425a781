import { relative } from "node:path"
import type { LoadedConfig } from "@maxcloud/sdk/effect"
import { Effect } from "effect"
import { optional, readFileFlag } from "../args/flags.ts"
import { loadOffline, loadSchemas, tellAssumed } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { refuseBroken, tellWarnings } from "../deploy/policies.ts"
import { loadMany, manyFlags, manyUsage } from "../many/loadMany.ts"
import type { Terminal } from "../output/terminal.ts"
import { refuseImpossible } from "../plans/refuseImpossible.ts"

const answerOf = ({ assumed, file, policies: { warnings }, spec, stage }: LoadedConfig) =>
  Effect.map(loadSchemas, ({ encodeAppSpec }) => ({ file, stage, assumed, warnings, spec: encodeAppSpec(spec) }))

/** Checks its policies, and whether a server could deploy it. */
const check = (loaded: LoadedConfig, terminal: Terminal) =>
  Effect.gen(function* () {
    if (!terminal.json) yield* tellWarnings(loaded, terminal)
    yield* refuseBroken(loaded)
    const { offlineTenant } = yield* Effect.promise(() => import("@maxcloud/synth"))
    yield* refuseImpossible(loaded, loaded.spec, offlineTenant(loaded.spec, { stage: loaded.stage }))
  })

const lineOf = ({ file, spec, stage }: LoadedConfig) => {
  const services = spec.services.map((service) => service.name).join(", ")
  return `${relative(process.cwd(), file)} is valid: app ${spec.app} (${stage}), services: ${services}`
}

export default command({
  summary: "Check the config without sending anything",
  offline: true,
  examples: [
    { line: "maxcloud config check", does: "Check the config of this folder" },
    {
      line: "maxcloud config check --all",
      does: "Check every config of the repository, and how the apps link to each other"
    },
    {
      line: "maxcloud config check app.yaml --json",
      does: "Check another file; print the AppSpec that a deploy would send"
    }
  ],
  notes: [
    "Nothing is sent. `maxcloud plan` also checks what only the server knows, such as secrets. The length of hosts is checked for the organization `local`."
  ],
  flags: flags({
    file: readFileFlag,
    ...manyFlags
  }),
  positionals: positionals({ named: optional("FILE", "The config, as --config") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const file = input.named ?? input.file ?? input.config
      const wrong = manyUsage(input, file === undefined ? [] : ["FILE"])
      if (wrong !== undefined) return yield* wrong
      if (input.all) {
        const apps = (yield* loadMany(input, terminal, true)).map((app) => app.loaded)
        for (const app of apps) yield* Effect.zipRight(tellAssumed(app, terminal), check(app, terminal))
        if (terminal.json) return terminal.printJson({ apps: yield* Effect.forEach(apps, answerOf) })
        for (const app of apps) terminal.print(lineOf(app))
        return
      }
      const loaded = yield* loadOffline(input, terminal, file)
      yield* check(loaded, terminal)
      if (terminal.json) terminal.printJson(yield* answerOf(loaded))
      else terminal.print(lineOf(loaded))
    })
})
