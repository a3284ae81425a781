import { Cause, Effect, Exit, Stream } from "effect"
import type { MaxCloudError } from "./errors.ts"

export interface Abortable {
  /** Ends the call: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** Rejects with the error itself, and with the signal's reason where that was the cause. */
export const run = async <A>(effect: Effect.Effect<A, MaxCloudError>, signal: AbortSignal): Promise<A> => {
  signal.throwIfAborted()
  const exit = await Effect.runPromiseExit(effect, { signal })
  if (Exit.isSuccess(exit)) return exit.value
  if (Cause.isInterruptedOnly(exit.cause)) signal.throwIfAborted()
  throw Cause.squash(exit.cause)
}

/** The signal of what nobody aborts. */
export const never: AbortSignal = new AbortController().signal

const aborted = (signal: AbortSignal): Effect.Effect<never, unknown> =>
  Effect.async((resume) => {
    const abort = () => resume(Effect.fail(signal.reason))
    if (signal.aborted) return abort()
    signal.addEventListener("abort", abort, { once: true })
    return Effect.sync(() => signal.removeEventListener("abort", abort))
  })

export const iterate = <A>(stream: Stream.Stream<A, MaxCloudError>, signal: AbortSignal): AsyncIterable<A> =>
  Stream.toAsyncIterable(Stream.interruptWhen(stream, aborted(signal)))
