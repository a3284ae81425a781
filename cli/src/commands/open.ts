import { spawn } from "node:child_process"
import { Effect } from "effect"
import { connect, parseServiceName, stageOf } from "../client.ts"
import { command, noFlags, positionals } from "../command.ts"
import { CommandFailed } from "../failure.ts"
import { required } from "../flags.ts"

const openers: Readonly<Record<string, readonly [string, ...Array<string>]>> = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", ""],
  linux: ["xdg-open"]
}

/** Starts the system's browser; a machine without one is no failure, since the URL is printed. */
const openInBrowser = (url: string): Effect.Effect<void> =>
  Effect.async((resume) => {
    const [program, ...args] = openers[process.platform] ?? ["xdg-open"]
    const child = spawn(program, [...args, url], { stdio: "ignore", detached: true })
    child.on("error", () => resume(Effect.void))
    child.on("spawn", () => {
      child.unref()
      resume(Effect.void)
    })
  })

export default command({
  examples: [{ line: "maxcloud open web", does: "the service in the browser; its URL on stdout" }],
  flags: noFlags,
  positionals: positionals({ name: required("NAME", "The service") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const name = yield* parseServiceName(input.name)
      const stage = yield* stageOf(input)
      const cloud = yield* connect(input)
      const { url } = yield* cloud.services.get(name, { stage })
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
      if (terminal.interactive && /^https?:/.test(url)) yield* openInBrowser(url)
    })
})
