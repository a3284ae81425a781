import { Effect } from "effect"
import { required, serviceFlags, toggle, words } from "../args/flags.ts"
import { connectToService } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { ExitWith, UsageError } from "../errors/failure.ts"

/** Stop reading standard input while this many bytes are unsent. */
const highWater = 1024 * 1024
const lookAgainMs = 20

interface Session {
  readonly write: (bytes: Uint8Array) => void
  readonly unsent: () => number
  readonly endInput: () => void
  readonly resize: (size: { readonly columns: number; readonly rows: number }) => void
}

const sizeOf = ({ columns, rows }: NodeJS.WriteStream) => ({ columns: Math.max(1, columns), rows: Math.max(1, rows) })

/** Sends this process's input and the terminal's size to the program, until the scope closes. */
const attach = (session: Session, isTerminal: boolean) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const { stdin, stdout } = process
      let timer: NodeJS.Timeout | undefined
      const goOn = () => {
        if (session.unsent() > highWater) timer = setTimeout(goOn, lookAgainMs)
        else stdin.resume()
      }
      const onData = (bytes: Buffer) => {
        session.write(bytes)
        if (session.unsent() <= highWater) return
        stdin.pause()
        goOn()
      }
      const onResize = () => session.resize(sizeOf(stdout))
      const onEnd = () => session.endInput()
      if (isTerminal) stdin.setRawMode(true)
      stdin.on("data", onData).on("end", onEnd).on("error", onEnd)
      if (isTerminal) stdout.on("resize", onResize)
      return () => {
        clearTimeout(timer)
        stdin.off("data", onData).off("end", onEnd).off("error", onEnd).pause()
        stdout.off("resize", onResize)
        if (isTerminal) stdin.setRawMode(false)
      }
    }),
    (detach) => Effect.sync(detach)
  )

export default command({
  summary: "Run a program in an instance",
  examples: [
    { line: "maxcloud exec web -- sh", does: "Open a shell in an instance of the service" },
    { line: "maxcloud exec web -- printenv PORT", does: "Run one program; its exit code is this command's" },
    { line: "pg_dump shop | maxcloud exec web -- sh -c 'cat > /tmp/dump'", does: "Pass standard input" }
  ],
  notes: [
    "It runs with the service's user, folder and environment, including its secrets, so you need the role deployer. The audit log records who ran which program where, without the arguments, since they may contain secrets.",
    "It stops when this command stops. It gets a terminal if your stdin and stdout are terminals.",
    "A session ends after 30 idle minutes. An organization can have 10 at once."
  ],
  flags: flags({
    ...serviceFlags,
    noTty: toggle("no-tty", { description: "Don't allocate a terminal in the instance" })
  }),
  positionals: positionals({
    name: required("NAME", "The service"),
    command: words("COMMAND", "The program and its arguments; write -- before them")
  }),
  run: (input) =>
    Effect.gen(function* () {
      if (input.command.length === 0) {
        return yield* new UsageError({
          message: "no program named",
          fix: `run \`maxcloud exec ${input.name} -- sh\``
        })
      }
      const { at, cloud, name } = yield* connectToService(input)
      const isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true && !input.noTty
      const session = yield* cloud.services.exec(name, input.command, {
        ...at,
        terminal: isTerminal ? sizeOf(process.stdout) : undefined,
        onOutput: (stream, bytes) => void process[stream].write(bytes)
      })
      yield* attach(session, isTerminal)
      const exit = yield* session.exit
      if (exit !== 0) return yield* new ExitWith({ exit })
    }).pipe(Effect.scoped)
})
