import { Deferred, Effect, Either, Exit, Schema, type Scope } from "effect"
import { ApiError, ExecOutput, execChannel, execProtocol, type ServiceId, type TerminalSize } from "../api/index.ts"
import { type CallError, UnexpectedAnswer } from "../errors.ts"
import type { Connection } from "../transport/connection.ts"

export interface ExecOptions {
  /** Its terminal. @default none, so output and errors are separate */
  readonly terminal?: TerminalSize | undefined
  /** Receives the program's output as it arrives; must be fast. With a terminal, all of it is `stdout`. */
  readonly onOutput: (stream: "stdout" | "stderr", bytes: Uint8Array) => void
}

/** A program running in an instance. It stops when the scope closes. */
export interface ExecSession {
  readonly instance: string
  readonly write: (bytes: Uint8Array) => void
  /** Written bytes that aren't sent yet. Stop writing while there are many. */
  readonly unsent: () => number
  readonly endInput: () => void
  readonly resize: (size: TerminalSize) => void
  /** Its exit code, or 128 plus the number of the signal that killed it. */
  readonly exit: Effect.Effect<number, CallError>
}

const decodeOutput = Schema.decodeUnknownEither(Schema.parseJson(ExecOutput))
const decodeProblem = Schema.decodeUnknownEither(ApiError)
const detailOf = Schema.decodeUnknownEither(Schema.Struct({ detail: Schema.String }))

export const makeExec =
  ({ apiUrl, socket }: Connection) =>
  (
    service: Effect.Effect<{ readonly id: ServiceId }, CallError>,
    command: ReadonlyArray<string>,
    { onOutput, terminal }: ExecOptions
  ): Effect.Effect<ExecSession, CallError, Scope.Scope> =>
    Effect.gen(function* () {
      const path = `/api/v1/services/${(yield* service).id}/exec`
      const opened = yield* socket(path, execProtocol)
      const started = yield* Deferred.make<string, CallError>()
      const exit = yield* Deferred.make<number, CallError>()
      const unexpected = (detail: string) => new UnexpectedAnswer({ url: `${apiUrl}${path}`, status: 101, detail })
      const fail = (error: CallError) => {
        Deferred.unsafeDone(started, Exit.fail(error))
        Deferred.unsafeDone(exit, Exit.fail(error))
      }
      const failedBy = (problem: unknown): CallError =>
        Either.getOrElse(decodeProblem(problem), () =>
          unexpected(
            Either.match(detailOf(problem), { onLeft: () => "the program failed", onRight: (each) => each.detail })
          )
        )
      const onText = (text: string) => {
        const message = decodeOutput(text)
        if (Either.isLeft(message)) fail(unexpected(message.left.message))
        else if (message.right.type === "started") Deferred.unsafeDone(started, Exit.succeed(message.right.instance))
        else if (message.right.type === "exit") Deferred.unsafeDone(exit, Exit.succeed(message.right.code))
        else fail(failedBy(message.right.problem))
      }
      opened.addEventListener("message", ({ data }) => {
        if (typeof data === "string") return onText(data)
        if (!(data instanceof ArrayBuffer)) return
        const bytes = new Uint8Array(data)
        if (bytes[0] === execChannel.stdout) onOutput("stdout", bytes.subarray(1))
        else if (bytes[0] === execChannel.stderr) onOutput("stderr", bytes.subarray(1))
      })
      opened.addEventListener("close", ({ reason }) =>
        fail(unexpected(`the connection closed before the program exited${reason === "" ? "" : `: ${reason}`}`))
      )
      const send = (message: string | Uint8Array<ArrayBuffer>) => {
        if (opened.readyState === opened.OPEN) opened.send(message)
      }
      send(JSON.stringify({ type: "start", command, ...(terminal === undefined ? {} : { terminal }) }))
      const instance = yield* Deferred.await(started)
      return {
        instance,
        write: (bytes) => {
          const message = new Uint8Array(bytes.length + 1)
          message[0] = execChannel.stdin
          message.set(bytes, 1)
          send(message)
        },
        unsent: () => opened.bufferedAmount,
        endInput: () => send(JSON.stringify({ type: "stdinEnd" })),
        resize: (size) => send(JSON.stringify({ type: "resize", ...size })),
        exit: Deferred.await(exit)
      }
    })
