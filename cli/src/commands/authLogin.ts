import { Effect } from "effect"
import { toggle } from "../args/flags.ts"
import { deviceLogin } from "../auth/deviceLogin.ts"
import { keep, keepSession, sayOverridden } from "../auth/signedIn.ts"
import { connectWith } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { readSecret } from "../input/prompt.ts"

export default command({
  summary: "Sign in with the browser or an API key",
  examples: [
    { line: "maxcloud auth login", does: "Show a code to enter on the server's page" },
    { line: "maxcloud auth login --api-url https://cloud.example.com", does: "Sign in to another server" },
    { line: "maxcloud auth login --api-key-stdin < key.txt", does: "Store an API key" }
  ],
  notes: [
    "Credentials are stored in $XDG_CONFIG_HOME/maxcloud/credentials.json (~/.config by default), mode 600, by server.",
    "CI needs no login: set MAXCLOUD_API_KEY, or trust its ID tokens (`maxcloud auth oidc add`)."
  ],
  secretOnStdin: "an API key",
  flags: flags({
    apiKeyStdin: toggle("api-key-stdin", { description: "Store the API key from standard input" }),
    noBrowser: toggle("no-browser", { description: "Don't open the browser" })
  }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      if (!input.apiKeyStdin) {
        const cloud = yield* connectWith(input, "")
        const session = yield* deviceLogin(cloud, terminal.interactive && !input.noBrowser, terminal)
        return yield* keepSession(input, session, terminal)
      }
      const token = yield* readSecret("API key")
      const { credential, organization, role } = yield* (yield* connectWith({ ...input, org: "-" }, token)).auth.status
      const { expiresAt, name } = credential
      const { apiUrl, file } = yield* keep(input, { token, type: "key", organization, email: null, expiresAt })
      if (terminal.json) return terminal.printJson({ apiUrl, organization, role, credential, file })
      terminal.say(`stored the key ${name ?? ""} for ${apiUrl}: organization ${organization} (${role})`)
      sayOverridden(terminal)
    })
})
