import { Effect } from "effect"
import { openInBrowser } from "../browser.ts"
import { connectToService } from "../client.ts"
import { command, noFlags, positionals } from "../command.ts"
import { CommandFailed } from "../failure.ts"
import { required } from "../flags.ts"

export default command({
  summary: "Open a service in the browser",
  examples: [{ line: "maxcloud open web", does: "the service in the browser; its URL on stdout" }],
  flags: noFlags,
  positionals: positionals({ name: required("NAME", "The service") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { cloud, name, stage } = yield* connectToService(input)
      const { url } = (yield* cloud.services.get(name, { stage })).status
      if (url === null) {
        return yield* new CommandFailed({
          tag: "NoUrl",
          exit: 1,
          message: `"${name}" is internal and has no public URL`,
          fix: 'set visibility: "public" in its config'
        })
      }
      if (terminal.json) terminal.printJson({ url })
      else terminal.print(url)
      if (terminal.interactive) yield* openInBrowser(url)
    })
})
