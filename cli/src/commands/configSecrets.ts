import { Effect } from "effect"
import { readFileFlag } from "../args/flags.ts"
import { connect, loadApp, loadSchemas } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { ExitWith } from "../errors/failure.ts"
import { printTable } from "../output/terminal.ts"

interface Needed {
  readonly name: string
  readonly state: "set" | "missing" | "generated" | "in the store"
  readonly version: number | null
  readonly services: ReadonlyArray<string>
}

const stateText = ({ state, version }: Needed): string => {
  if (state === "set") return `set, version ${version}`
  return state === "generated" ? "generated at the next deploy" : state
}

export default command({
  summary: "List the secrets that a stage needs",
  examples: [
    { line: "maxcloud config secrets", does: "Show which are set, missing, or generated at the next deploy" },
    { line: "maxcloud config secrets --stage preview-42 --json", does: "For another stage, as JSON" }
  ],
  notes: [
    "Exit code 2 if one is missing, so CI can check before it deploys. Values are never shown.",
    "With a secret store of your own, only the cluster knows whether a value exists, so no secret counts as missing."
  ],
  flags: flags({ file: readFileFlag }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { spec, stage } = yield* loadApp(input, input.file ?? input.config)
      const { secretReferencesOf } = yield* loadSchemas
      const cloud = yield* connect(input)
      const { secretStore } = yield* cloud.info
      const set = new Map((yield* cloud.secrets.list(spec.app, { stage })).map(({ name, version }) => [name, version]))
      const found = spec.services.flatMap((service) =>
        secretReferencesOf(service).map(({ reference }) => ({ service: service.name, ...reference }))
      )
      const needed = [...new Set(found.map((each) => each.secret))].sort().map((name): Needed => {
        const named = found.filter((each) => each.secret === name)
        const services = [...new Set(named.map((each) => each.service))].sort()
        const version = set.get(name) ?? null
        if (secretStore !== null) return { name, state: "in the store", version: null, services }
        if (version !== null) return { name, state: "set", version, services }
        const isMade = named.some((each) => each.generate !== undefined)
        return { name, state: isMade ? "generated" : "missing", version, services }
      })
      const missing = needed.filter((each) => each.state === "missing")
      if (terminal.json) terminal.printJson({ app: spec.app, stage, secrets: needed })
      else if (needed.length === 0) terminal.say(`${spec.app} (${stage}) needs no secrets`)
      else {
        printTable(
          ["NAME", "STATE", "SERVICES"],
          needed.map((each) => [each.name, stateText(each), each.services.join(", ")]),
          terminal
        )
        const flag = stage === "production" ? "" : ` --stage ${stage}`
        for (const { name } of missing) terminal.say(`to set it: maxcloud secrets set ${name}${flag}`)
      }
      if (missing.length > 0) return yield* new ExitWith({ exit: 2 })
    })
})
