import { Cause, Effect, Exit, Predicate, Redacted, Stream } from "effect"
import type {
  DeviceCodes,
  DeviceProgress,
  NewApiKey,
  NewWebhook,
  Page,
  RegistryToken,
  SessionGrant
} from "./api/index.ts"
import { isListing, type Listing, type PageOptions } from "./calls/listing.ts"
import { parseOptions } from "./input/parse.ts"

export interface Abortable {
  /** Aborts the call, which rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** A type with its secret fields as plain text. The caller decides how to protect them. */
type Plain<A, K extends keyof A> = Omit<A, K> & { readonly [_ in K]: string }
export type RevealedSession = Plain<SessionGrant, "token">
export type RevealedApiKey = Plain<NewApiKey, "secret">
export type RevealedWebhook = Plain<NewWebhook, "secret">
export type RevealedDeviceCodes = Plain<DeviceCodes, "deviceCode">
export type RevealedRegistryToken = Plain<RegistryToken, "token" | "access_token">
export type RevealedProgress =
  | Exclude<DeviceProgress, { readonly state: "granted" }>
  | { readonly state: "granted"; readonly session: RevealedSession }

/** A response with its secrets as plain text. */
type Revealed<A> = A extends SessionGrant
  ? RevealedSession
  : A extends NewApiKey
    ? RevealedApiKey
    : A extends NewWebhook
      ? RevealedWebhook
      : A extends DeviceCodes
        ? RevealedDeviceCodes
        : A extends RegistryToken
          ? RevealedRegistryToken
          : A extends { readonly state: "granted"; readonly session: SessionGrant }
            ? { readonly state: "granted"; readonly session: RevealedSession }
            : A

/** Only options are optional, and they accept a signal too. Calls without options get some. */
type WithSignal<P extends ReadonlyArray<unknown>> = P extends
  | readonly []
  | readonly [...ReadonlyArray<unknown>, unknown]
  ? [...parameters: P, options?: Abortable]
  : { [I in keyof P]: undefined extends P[I] ? NonNullable<P[I]> & Abortable : P[I] }

/** A call for a list. Calling it returns the whole list. */
interface PromisedListing<P extends ReadonlyArray<unknown>, A> {
  /** Follows all pages. A list of more than 10,000 items is an `InvalidRequest`: read it with `each`, or filter it. */
  (...parameters: WithSignal<P>): Promise<ReadonlyArray<A>>
  /** The items one after another. Fetches the next page when the previous one is consumed. */
  readonly each: (...parameters: WithSignal<P>) => AsyncIterable<A>
  /** One page, and the cursor of the next one. */
  readonly page: (page: PageOptions, ...parameters: WithSignal<P>) => Promise<Page<A>>
}

/** Converts Effects to promises, and streams to iterables. */
export type Promised<T> = T extends Listing<infer P, infer A> ? PromisedListing<P, A> : PromisedCall<T>

type PromisedCall<T> =
  T extends Effect.Effect<infer A, infer _E>
    ? (options?: Abortable) => Promise<Revealed<A>>
    : T extends Stream.Stream<infer A, infer _E>
      ? (options?: Abortable) => AsyncIterable<A>
      : T extends (...parameters: infer P) => Effect.Effect<infer A, infer _E>
        ? (...parameters: WithSignal<P>) => Promise<Revealed<A>>
        : { readonly [K in keyof T]: Promised<T[K]> }

/** Rejects with the error itself, or with the signal's reason if the signal was the cause. */
export const run = async <A>(effect: Effect.Effect<A, unknown>, signal: AbortSignal): Promise<A> => {
  signal.throwIfAborted()
  const exit = await Effect.runPromiseExit(effect, { signal })
  if (Exit.isSuccess(exit)) return exit.value
  if (Cause.isInterruptedOnly(exit.cause)) signal.throwIfAborted()
  throw Cause.squash(exit.cause)
}

/** A signal for calls without one. */
export const never: AbortSignal = new AbortController().signal

const aborted = (signal: AbortSignal): Effect.Effect<never, unknown> =>
  Effect.async((resume) => {
    const abort = () => resume(Effect.fail(signal.reason))
    if (signal.aborted) return abort()
    signal.addEventListener("abort", abort, { once: true })
    return Effect.sync(() => signal.removeEventListener("abort", abort))
  })

export const iterate = <A>(stream: Stream.Stream<A, unknown>, signal: AbortSignal): AsyncIterable<A> =>
  Stream.toAsyncIterable(Stream.interruptWhen(stream, aborted(signal)))

type SignalOf = (options: Abortable | undefined) => AbortSignal

const isEffect = (call: unknown): call is Effect.Effect<unknown, unknown> => Effect.isEffect(call)

const isStream = (call: unknown): call is Stream.Stream<unknown, unknown> =>
  Predicate.hasProperty(call, Stream.StreamTypeId)

/** Whether it has a valid signal. Anything else is refused with the other invalid options. */
const isAbortable = (value: unknown): value is { readonly signal: AbortSignal } =>
  Predicate.hasProperty(value, "signal") && value.signal instanceof AbortSignal

/** The signal in a call's options, if any. */
export const signalIn = (options: unknown): AbortSignal | undefined =>
  isAbortable(options) ? options.signal : undefined

/** The options without the signal, which Effects don't accept. Anything but an object stays unchanged, so that they refuse it. */
export const optionsIn = <O extends Abortable>(options: O | undefined): Omit<O, "signal"> | undefined => {
  if (!isAbortable(options)) return options
  const { signal: _, ...rest } = options
  return rest
}

/** A call that only accepts a signal. */
export const abortable = <A, E>(options: Abortable | undefined, call: Effect.Effect<A, E>) =>
  Effect.zipRight(parseOptions<Abortable>(options, { signal: "signal" }), call)

/** Secrets are at the top level of a response, or in the session inside it. */
const reveal = (answer: unknown): unknown => {
  if (Redacted.isRedacted(answer)) return Redacted.value(answer)
  if (!Predicate.isRecord(answer) || Object.getPrototypeOf(answer) !== Object.prototype) return answer
  return Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, reveal(value)]))
}

/** Calls with the options without the signal. */
const withoutSignal = (parameters: ReadonlyArray<unknown>) => {
  const last = parameters.at(-1)
  if (!isAbortable(last)) return { parameters, options: undefined }
  const { signal, ...options } = last
  return { parameters: [...parameters.slice(0, -1), options], options: { signal } }
}

type Callable = Parameters<typeof Reflect.apply>[0]

/** Checks the parameter after those of the call, which are options with nothing but a signal. */
const onlySignal = (call: Callable, parameters: ReadonlyArray<unknown>) => {
  // Not every caller uses types: `parseOptions` refuses anything but options.
  const isAbortableOptions = (_: unknown): _ is Abortable | undefined => true
  const after = parameters.slice(call.length).find(isAbortableOptions)
  return parseOptions<Abortable>(after, { signal: "signal" })
}

const promisedCall = (call: unknown, signalOf: SignalOf): unknown => {
  // Effects are streams too.
  if (isEffect(call)) {
    return (options?: Abortable) => run(abortable(options, Effect.map(call, reveal)), signalOf(options))
  }
  if (isStream(call)) {
    return (options?: Abortable) => iterate(Stream.unwrap(abortable(options, Effect.succeed(call))), signalOf(options))
  }
  if (isListing(call)) {
    const { each, page } = call
    const whole = promisedFunction(call, signalOf)
    return Object.assign(whole, {
      each: (...given: ReadonlyArray<unknown>) => {
        const { options, parameters } = withoutSignal(given)
        return iterate(
          Stream.unwrap(
            Effect.as(
              onlySignal(each, parameters),
              Stream.suspend(() => each(...parameters))
            )
          ),
          signalOf(options)
        )
      },
      page: promisedFunction(page, signalOf)
    })
  }
  if (typeof call === "function") return promisedFunction(call, signalOf)
  return typeof call === "object" && call !== null ? promised(call, signalOf) : call
}

const promisedFunction =
  (call: Callable, signalOf: SignalOf) =>
  (...given: ReadonlyArray<unknown>) => {
    const { options, parameters } = withoutSignal(given)
    const called = Effect.map(
      Effect.suspend((): Effect.Effect<unknown, unknown> => Reflect.apply(call, undefined, [...parameters])),
      reveal
    )
    return run(Effect.zipRight(onlySignal(call, parameters), called), signalOf(options))
  }

/** `calls` as promises. The signal that `signalOf` finds in a call's options aborts the call. */
export function promised<T extends object>(calls: T, signalOf: SignalOf): Promised<T>
export function promised(calls: object, signalOf: SignalOf): object {
  return Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, promisedCall(call, signalOf)]))
}
