import { normalUrl } from "@maxcloud/sdk/credentials"
import { Effect } from "effect"
import { apiUrlOf } from "../client.ts"
import { command, noFlags, noPositionals } from "../command.ts"
import { clientFiles } from "../registry/clientFiles.ts"
import { removeHelper } from "../registry/credHelpers.ts"
import { forgetRegistries, readRegistries } from "../registry/rememberedRegistries.ts"

export default command({
  summary: "Undo `maxcloud registry login`",
  examples: [
    { line: "maxcloud registry logout", does: "Remove the credential helper from the configs of docker and podman" }
  ],
  notes: [
    "You stay signed in to the server (`maxcloud auth logout` ends that). It also works if the server is unreachable."
  ],
  flags: noFlags,
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const env = process.env
      const apiUrl = normalUrl(yield* apiUrlOf(input))
      const hosts = Object.entries(yield* readRegistries(env)).flatMap(([host, found]) =>
        found.apiUrl === apiUrl ? [host] : []
      )
      const files = yield* Effect.filter(clientFiles(env), (file) => removeHelper(file, hosts))
      if (hosts.length > 0) yield* forgetRegistries(env, hosts)
      if (terminal.json) return terminal.printJson({ hosts, files })
      if (hosts.length === 0) return terminal.say(`no registry of ${apiUrl} is set up here`)
      terminal.say(`docker, podman and others can no longer use ${hosts.join(", ")} with your credential`)
    })
})
