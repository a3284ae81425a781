import { Chunk, Deferred, Effect, Stream } from "effect"

/** How many changes a subscriber receives at once. */
const batch = 256

/** A subscriber's pending changes by key, in the order of their first appearance. */
class Mailbox<A> {
  readonly #waiting = new Map<string, A>()
  #reader: Deferred.Deferred<void> | undefined

  offer(key: string, value: A) {
    this.#waiting.set(key, value)
    const reader = this.#reader
    this.#reader = undefined
    if (reader !== undefined) Deferred.unsafeDone(reader, Effect.void)
  }

  readonly take: Effect.Effect<Chunk.Chunk<A>> = Effect.suspend(() => {
    if (this.#waiting.size === 0) {
      return Effect.flatMap(Deferred.make<void>(), (reader) => {
        if (this.#waiting.size > 0) return this.take
        this.#reader = reader
        return Effect.zipRight(Deferred.await(reader), this.take)
      })
    }
    const taken: Array<A> = []
    for (const [key, value] of this.#waiting) {
      if (taken.length === batch) break
      taken.push(value)
      this.#waiting.delete(key)
    }
    return Effect.succeed(Chunk.unsafeFromArray(taken))
  })
}

/** Publishes to all subscribers without waiting: a slow one finds its pending change replaced by the newest of the same key. */
export class CoalescingHub<A> {
  readonly #mailboxes = new Set<Mailbox<A>>()

  get subscribers() {
    return this.#mailboxes.size
  }

  publish(key: string, value: A) {
    for (const mailbox of this.#mailboxes) mailbox.offer(key, value)
  }

  readonly stream: Stream.Stream<A> = Stream.unwrapScoped(
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => {
          const mailbox = new Mailbox<A>()
          this.#mailboxes.add(mailbox)
          return mailbox
        }),
        (mailbox) => Effect.sync(() => this.#mailboxes.delete(mailbox))
      ),
      (mailbox) => Stream.repeatEffectChunk(mailbox.take)
    )
  )
}
