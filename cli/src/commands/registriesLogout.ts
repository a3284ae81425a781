import { Effect } from "effect"
import { required } from "../args/flags.ts"
import { connect, parseRegistryHost } from "../client.ts"
import { command, noFlags, positionals } from "../command.ts"

export default command({
  summary: "Delete the credentials for a registry",
  examples: [{ line: "maxcloud registries logout ghcr.io", does: "Delete its credentials" }],
  notes: ["Running services keep running, but a new node can no longer pull their images."],
  flags: noFlags,
  positionals: positionals({ host: required("HOST", "The registry") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const host = yield* parseRegistryHost(input.host)
      const cloud = yield* connect(input)
      yield* cloud.registries.logout(host)
      if (terminal.json) terminal.printJson({ host })
      else terminal.say(`the credentials for ${host} are deleted`)
    })
})
