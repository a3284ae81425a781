import { Effect } from "effect"
import { connect } from "../client.ts"
import { command, noFlags, noPositionals } from "../command.ts"
import { howToHaveRegistry } from "../registry/noRegistry.ts"
import { placeIn } from "../registry/placeIn.ts"

export default command({
  summary: "Show the server's own registry",
  examples: [{ line: "maxcloud registry info", does: "Show its host, and how your images are called there" }],
  notes: ["`maxcloud registries` is about credentials for the registries of others."],
  flags: noFlags,
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { host, prefix } = yield* placeIn(yield* connect(input))
      if (terminal.json) return terminal.printJson({ registry: { host, prefix } })
      if (host === null) {
        return terminal.say(`this server has no registry: ${howToHaveRegistry}`)
      }
      terminal.print(`registry  ${host}`)
      terminal.print(`images    ${host}/${prefix}APP:TAG`)
    })
})
