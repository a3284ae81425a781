import { Effect } from "effect"
import { required, serviceFlags } from "../args/flags.ts"
import { openInBrowser } from "../auth/browser.ts"
import { connectToService } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { CommandFailed } from "../errors/failure.ts"

export default command({
  summary: "Open a service in the browser",
  examples: [{ line: "maxcloud open web", does: "Open the service; print its URL to stdout" }],
  flags: flags(serviceFlags),
  positionals: positionals({ name: required("NAME", "The service") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { at, cloud, name } = yield* connectToService(input)
      const { url } = (yield* cloud.services.get(name, at)).status
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
