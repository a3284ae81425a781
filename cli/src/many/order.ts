import { Effect, Either } from "effect"

/** A node of a dependency graph. */
export interface Node {
  readonly name: string
  /** The names of its dependencies. Unknown names are ignored. */
  readonly needs: ReadonlyArray<string>
}

/** The nodes in topological order; left, a cycle from a name back to itself. */
export const inOrder = <A extends Node>(
  nodes: ReadonlyArray<A>
): Either.Either<ReadonlyArray<A>, ReadonlyArray<string>> => {
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const ordered: Array<A> = []
  const done = new Set<string>()
  const way: Array<string> = []
  const visit = (node: A): ReadonlyArray<string> | undefined => {
    if (done.has(node.name)) return undefined
    const start = way.indexOf(node.name)
    if (start !== -1) return [...way.slice(start), node.name]
    way.push(node.name)
    for (const need of node.needs) {
      const next = byName.get(need)
      const round = next === undefined ? undefined : visit(next)
      if (round !== undefined) return round
    }
    way.pop()
    done.add(node.name)
    ordered.push(node)
    return undefined
  }
  for (const node of nodes) {
    const round = visit(node)
    if (round !== undefined) return Either.left(round)
  }
  return Either.right(ordered)
}

/** The outcome of a node. `skipped`: not run, because a dependency didn't succeed. */
export type Outcome<B, E> =
  | { readonly _tag: "done"; readonly value: B }
  | { readonly _tag: "failed"; readonly error: E }
  | { readonly _tag: "skipped"; readonly because: string }

/**
 * Runs topologically ordered nodes, each after its dependencies, at most `concurrency` at a time. A failure skips only the nodes that depend on
 * it. Returns the outcomes in the order of the nodes.
 */
export const runInOrder = <A extends Node, B, E, R>(
  nodes: ReadonlyArray<A>,
  concurrency: number,
  run: (node: A) => Effect.Effect<B, E, R>
): Effect.Effect<ReadonlyArray<readonly [A, Outcome<B, E>]>, never, R> =>
  Effect.gen(function* () {
    const permits = yield* Effect.makeSemaphore(concurrency)
    const running = new Map<string, Effect.Effect<Outcome<B, E>, never, R>>()
    for (const node of nodes) {
      const needed = node.needs.flatMap((name) => {
        const effect = running.get(name)
        return effect === undefined ? [] : [[name, effect] as const]
      })
      const outcome = Effect.gen(function* () {
        for (const [name, effect] of needed) {
          const before = yield* effect
          if (before._tag !== "done") return { _tag: "skipped", because: name } as const
        }
        return yield* permits
          .withPermits(1)(run(node))
          .pipe(
            Effect.match({
              onSuccess: (value) => ({ _tag: "done", value }) as const,
              onFailure: (error) => ({ _tag: "failed", error }) as const
            })
          )
      })
      running.set(node.name, yield* Effect.cached(outcome))
    }
    return yield* Effect.forEach(
      nodes,
      (node) =>
        Effect.map(
          running.get(node.name) ?? Effect.dieMessage(`${node.name} was not run`),
          (outcome) => [node, outcome] as const
        ),
      { concurrency: "unbounded" }
    )
  })
