import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { Chunk, Effect, Option, Schema, Stream } from "effect"
import { InvalidRequest } from "../api/errors.ts"
import { knownKeysOnly } from "../api/knownKeysOnly.ts"
import type { Page } from "../api/lists.ts"
import { type CallError, UnexpectedAnswer } from "../errors.ts"
import { inheritedFault, isOptions } from "../input/options.ts"
import { type InAppPath, type InStage, inApp, parse } from "../input/parse.ts"
import { linkTarget } from "./linkTarget.ts"

/** The maximum for a call that returns a whole list. */
const mostItems = 10_000

/** Selects a page of a list. */
export interface PageOptions {
  /** How many items. @default 100 */
  readonly limit?: number | undefined
  /** `next` of the previous page. */
  readonly cursor?: string | undefined
}

/** A call for a list. Calling it returns the whole list. */
export interface Listing<P extends ReadonlyArray<unknown>, A> {
  /** Follows all pages. A list of more than 10,000 items is an `InvalidRequest`: read it with `each`, or filter it. */
  (...parameters: P): Effect.Effect<ReadonlyArray<A>, CallError>
  /** The items one after another. Fetches the next page when the previous one is consumed. */
  readonly each: (...parameters: P) => Stream.Stream<A, CallError>
  /** One page, and the cursor of the next one. */
  readonly page: (page: PageOptions, ...parameters: P) => Effect.Effect<Page<A>, CallError>
}

const isListing = (call: unknown): call is Listing<ReadonlyArray<unknown>, unknown> =>
  typeof call === "function" && "each" in call && "page" in call

export { isListing }

/** The cursor in the target of `Link: <…>; rel="next"` (RFC 8288). */
const nextOf = (link: string | undefined): string | null => {
  const target = linkTarget(link, "next")
  return target === undefined || !URL.canParse(target, "http://localhost")
    ? null
    : new URL(target, "http://localhost").searchParams.get("cursor")
}

type Answer<A> = readonly [ReadonlyArray<A>, HttpClientResponse.HttpClientResponse]

const tooLong = new InvalidRequest({
  detail: `The list has more than ${mostItems} items. Read it with \`each\`, or use its filters.`,
  errors: []
})

/** A server may filter a page to nothing, but not all the time. */
const mostEmpty = 100

/** Without this, a faulty server or proxy would keep a client asking forever. */
const endless = ({ request, status }: HttpClientResponse.HttpClientResponse, detail: string) =>
  new UnexpectedAnswer({ url: request.url, status, detail })

/** Builds a list's three calls from the one that fetches a page. `most` is the largest page. */
export const listing =
  (list: { readonly most: number }) =>
  <const P extends ReadonlyArray<unknown>, A>(
    ask: (page: PageOptions, ...parameters: P) => Effect.Effect<Answer<A>, CallError>
  ): Listing<P, A> => {
    const asked = (options: PageOptions, parameters: P) =>
      Effect.map(
        Effect.suspend(() => ask(options, ...parameters)),
        ([items, response]) => ({ items, next: nextOf(response.headers["link"]), response })
      )
    const page = (options: PageOptions, ...parameters: P): Effect.Effect<Page<A>, CallError> =>
      Effect.map(asked(options, parameters), ({ items, next }) => ({ items, next }))
    const each = (...parameters: P): Stream.Stream<A, CallError> =>
      Stream.suspend(() => {
        const seen = new Set<string>()
        let empty = 0
        return Stream.paginateChunkEffect(undefined as string | undefined, (cursor) =>
          Effect.gen(function* () {
            const { items, next, response } = yield* asked({ limit: list.most, cursor }, parameters)
            empty = items.length === 0 ? empty + 1 : 0
            if (next !== null) {
              if (seen.has(next))
                return yield* endless(response, "its list names a page again that it has already sent")
              if (empty >= mostEmpty) return yield* endless(response, `its list has ${mostEmpty} empty pages in a row`)
              seen.add(next)
            }
            return [Chunk.fromIterable(items), Option.fromNullable(next)] as const
          })
        )
      })
    const whole = (...parameters: P): Effect.Effect<ReadonlyArray<A>, CallError> =>
      Effect.flatMap(Stream.runCollect(Stream.take(each(...parameters), mostItems + 1)), (items) =>
        items.length > mostItems ? tooLong : Effect.succeed(Chunk.toReadonlyArray(items))
      )
    // A caller can then find options that no parameter takes.
    const taking = <F extends object>(call: F, parameters: number): F =>
      Object.defineProperty(call, "length", { value: parameters })
    return Object.assign(taking(whole, ask.length - 1), {
      each: taking(each, ask.length - 1),
      page: taking(page, ask.length)
    })
  }

/** A request for a page, with the caller's path and filters checked against the contract. */
export const pageRequest = <A, I>(
  list: { readonly parameters: Schema.Schema<A, I> },
  ...given: ReadonlyArray<object | undefined>
): Effect.Effect<A, InvalidRequest> => {
  const parameters = parse(Schema.typeSchema(list.parameters).annotations(knownKeysOnly))
  let whole: object = {}
  for (const each of given) {
    if (each === undefined) continue
    // Not every caller uses types: null, a text or a list isn't a filter.
    const detail = isOptions(each)
      ? inheritedFault(each)
      : "The filter of a list isn't an object. Leave it out, or pass the filters as an object."
    if (detail !== undefined) return new InvalidRequest({ detail, errors: [] })
    whole = { ...whole, ...each }
  }
  return parameters(whole)
}

/** The same for a list of an app's stage: all options except `stage` are filters. */
export const pageInApp = <A, I, B>(
  list: { readonly parameters: Schema.Schema<A, I> },
  page: PageOptions,
  app: string,
  options: InStage | undefined,
  use: (request: { readonly path: InAppPath; readonly urlParams: A }) => Effect.Effect<B, CallError>
): Effect.Effect<B, CallError> => {
  // Not every caller uses types: `pageRequest` reports invalid options.
  const isGiven = isOptions(options) && inheritedFault(options) === undefined
  const { stage, ...filter }: InStage = isGiven ? options : {}
  return Effect.flatMap(pageRequest(list, isGiven ? filter : options, page), (urlParams) =>
    inApp(app, { stage }, (path) => use({ path, urlParams }))
  )
}
