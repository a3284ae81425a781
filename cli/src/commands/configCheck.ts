import { relative } from "node:path"
import { Effect } from "effect"
import { loadOffline } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { optional, text } from "../flags.ts"
import { refuseImpossible } from "../refuseImpossible.ts"

export default command({
  summary: "Check the config without sending anything",
  offline: true,
  examples: [
    { line: "maxcloud config check", does: "the config of this folder" },
    { line: "maxcloud config check app.yaml --json", does: "another; prints the AppSpec that would be sent" }
  ],
  notes: [
    "Nothing is sent. `maxcloud plan` also checks what only the server knows, such as secrets. The length of hosts is checked for the organization `local`."
  ],
  flags: flags({ file: text("file", "FILE", { alias: "f", description: "Config to read, as --config" }) }),
  positionals: positionals({ named: optional("FILE", "The config, as --config") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const loaded = yield* loadOffline(input, terminal, input.named ?? input.file ?? input.config)
      const { encodeAppSpec } = yield* Effect.promise(() => import("@maxcloud/config-schema"))
      const { file, spec, stage } = loaded
      const { offlineTenant } = yield* Effect.promise(() => import("@maxcloud/synth"))
      yield* refuseImpossible(loaded, spec, offlineTenant(spec, { stage }))
      if (terminal.json) return terminal.printJson({ file, stage, assumed: loaded.assumed, spec: encodeAppSpec(spec) })
      const services = spec.services.map((service) => service.name).join(", ")
      terminal.print(`${relative(process.cwd(), file)} is valid: app ${spec.app} (${stage}), services: ${services}`)
    })
})
