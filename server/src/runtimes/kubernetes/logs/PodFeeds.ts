import { Context, Deferred, Effect, Layer, type Scope } from "effect"
import { comparePositions, type LinePosition, type LogLine } from "../../../stores/logs/LogLine.ts"
import { type FeedReader, PodFeed } from "./PodFeed.ts"
import { type Follow, type Followed, type From, followPod } from "./podLog.ts"

/** `since` as a position: before all lines of its time. */
const startOf = ({ after, since }: From): LinePosition | undefined =>
  since !== undefined && (after === undefined || after.t < since) ? { t: since, n: -1 } : after

const newerThan = (lines: ReadonlyArray<LogLine>, after: LinePosition | undefined): ReadonlyArray<LogLine> => {
  const [first] = lines
  if (after === undefined || first === undefined || comparePositions(first, after) > 0) return lines
  const begin = lines.findIndex((line) => comparePositions(line, after) > 0)
  return begin === -1 ? [] : lines.slice(begin)
}

export interface FollowTogether extends Follow {
  /** Never loses its place in the feed, however slow it is. For a reader that can't get the lines elsewhere later. */
  readonly essential?: boolean | undefined
}

const makeOpenFeeds = (scope: Scope.Scope) => {
  const open = new Map<string, PodFeed>()

  /** Reads an instance after a line until it's gone or nobody reads the feed, and returns the first reader. */
  const start = (options: FollowTogether, after: LinePosition | undefined): Effect.Effect<FeedReader> =>
    Effect.gen(function* () {
      const { api, changes, essential, gate, pod, source } = options
      const unused = yield* Deferred.make<Followed>()
      const close = () => {
        if (open.get(source.uid) === feed) open.delete(source.uid)
        Deferred.unsafeDone(unused, Effect.succeed({ complete: false, after: undefined }))
      }
      const feed = new PodFeed(after, close)
      // A feed that waits at the gate has no lines yet. Later readers don't wait there with it.
      if (gate === undefined) feed.begin()
      open.set(source.uid, feed)
      const followed = followPod({
        api,
        changes,
        pod,
        source,
        gate,
        from: { after, since: undefined },
        begun: () => feed.begin(),
        give: feed.give,
        current: (current) => feed.tell({ type: "current", current }),
        runEnded: () => feed.tell({ type: "runEnded" })
      })
      // If the server stops before it has begun to read, its readers must learn that, too: only the reading can be interrupted.
      const reads = Effect.onExit(Effect.interruptible(Effect.raceFirst(followed, Deferred.await(unused))), (exit) =>
        Effect.sync(() => {
          close()
          feed.end(exit)
        })
      )
      yield* Effect.forkIn(reads, scope)
      return feed.join({ attached: true, essential })
    })

  return {
    /** A place in the open feed of an instance. */
    join: ({ essential, source }: FollowTogether): FeedReader | undefined => open.get(source.uid)?.join({ essential }),
    joinOrStart: (options: FollowTogether, after: LinePosition | undefined): Effect.Effect<FeedReader> =>
      Effect.uninterruptible(
        Effect.suspend(() => {
          const found = open.get(options.source.uid)
          return found === undefined
            ? start(options, after)
            : Effect.succeed(found.join({ essential: options.essential }))
        })
      )
  }
}
type OpenFeeds = ReturnType<typeof makeOpenFeeds>

/** Follows an instance from its feed as long as it keeps up, and otherwise with a stream of its own until it has caught up. */
const follow = (feeds: OpenFeeds, options: FollowTogether): Effect.Effect<Followed> =>
  Effect.gen(function* () {
    const { current = () => undefined, from, give, runEnded } = options
    let after = startOf(from)
    let reader: FeedReader | undefined
    const leave = Effect.sync(() => reader?.leave())

    const giveNew = (lines: ReadonlyArray<LogLine>, live: boolean) =>
      Effect.suspend(() => {
        const fresh = newerThan(lines, after)
        return fresh.length === 0
          ? Effect.void
          : Effect.map(give(fresh, live), () => {
              after = fresh.at(-1) ?? after
            })
      })

    /** How the instance ended, or undefined if the feed has everything from here on. */
    const alone: Effect.Effect<Followed | undefined> = Effect.gen(function* () {
      const caughtUp = yield* Deferred.make<undefined>()
      const joined = Effect.suspend(() => {
        if (reader === undefined || reader.isLost()) reader = feeds.join(options)
        return reader?.isBehind(after) === false && reader.attach(after)
          ? Effect.zipRight(Deferred.succeed(caughtUp, undefined), Effect.never)
          : Effect.void
      })
      const own = followPod({
        ...options,
        from: { after, since: undefined },
        give: (lines, live) => Effect.zipRight(giveNew(lines, live), joined)
      })
      return yield* Effect.raceFirst(own, Deferred.await(caughtUp))
    })

    /** How the instance ended, or undefined if the feed was too fast. */
    const together = (feed: FeedReader): Effect.Effect<Followed | undefined> =>
      Effect.gen(function* () {
        for (;;) {
          const piece = yield* feed.take
          if (piece === "lost") return undefined
          if (!("type" in piece)) return { complete: piece.complete, after }
          if (piece.type === "lines") yield* giveNew(piece.lines, piece.live)
          else if (piece.type === "current") current(piece.current)
          else runEnded?.()
        }
      })

    const follows = Effect.gen(function* () {
      for (;;) {
        yield* Effect.uninterruptible(
          Effect.map(feeds.joinOrStart(options, after), (joined) => {
            reader = joined
          })
        )
        const ended = reader?.attach(after) === true ? undefined : yield* alone
        if (ended !== undefined) return ended
        const outcome = reader === undefined ? undefined : yield* together(reader)
        if (outcome !== undefined) return outcome
      }
    })
    return yield* Effect.ensuring(follows, leave)
  })

/** Follows instances for any number of readers of this process with one stream from each instance's kubelet. */
export class PodFeeds extends Context.Tag("@maxcloud/server/PodFeeds")<
  PodFeeds,
  {
    /** Like `followPod`. The first reader of an instance decides on the gate. */
    readonly follow: (options: FollowTogether) => Effect.Effect<Followed>
  }
>() {
  /** A single reference, so that layers that are built together share the feeds. */
  static readonly layer: Layer.Layer<PodFeeds> = Layer.scoped(
    this,
    Effect.map(Effect.scope, (scope) => {
      const feeds = makeOpenFeeds(scope)
      return { follow: (options) => follow(feeds, options) }
    })
  )
}
