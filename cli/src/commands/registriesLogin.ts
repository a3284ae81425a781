import { Effect, Redacted } from "effect"
import { required, text } from "../args/flags.ts"
import { connect, parseRegistryHost } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { UsageError } from "../errors/failure.ts"
import { readValue } from "../input/prompt.ts"

export default command({
  summary: "Store credentials for a registry",
  examples: [
    { line: "maxcloud registries login ghcr.io --username ada", does: "Ask for the password, without showing it" },
    {
      line: "maxcloud registries login ghcr.io --username ada < token.txt",
      does: "Read the password from standard input"
    }
  ],
  notes: [
    "The server first tries them at the registry, then stores them encrypted. This organization's deploys use them to resolve tags and to pull.",
    "Don't pass the password as an argument: other users and the shell's history would see it.",
    "Use a read-only token. One trailing line break of standard input is ignored."
  ],
  secretOnStdin: "a password",
  flags: flags({ username: text("username", "USER", { alias: "u", description: "User name at the registry" }) }),
  positionals: positionals({ host: required("HOST", "The registry: ghcr.io, docker.io, registry.example.com:5000") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const host = yield* parseRegistryHost(input.host)
      const { username } = input
      if (username === undefined || username === "") {
        return yield* new UsageError({ message: "no username given", fix: "write --username USER" })
      }
      const password = yield* readValue("the password", `Password of ${username} at ${host}: `)
      if (password === "") {
        return yield* new UsageError({ message: "the password is empty", fix: "pass it on standard input" })
      }
      const cloud = yield* connect(input)
      const registry = yield* cloud.registries.login(host, username, Redacted.make(password))
      if (terminal.json) return terminal.printJson({ registry })
      terminal.say(`${host} accepts the credentials of ${username}: the next deploy uses them`)
    })
})
