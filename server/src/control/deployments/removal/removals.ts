import type { Progress } from "../statuses/progress.ts"

/** Decides about the services that a deployment drops. */
export interface Removals {
  /** No running revision calls them. */
  readonly now: ReadonlyArray<string>
  /** The others, each with the services whose revisions may still call it. */
  readonly waiting: ReadonlyMap<string, ReadonlyArray<string>>
}

/**
 * The services that can be removed in any case. `calls` lists, for each service, those that its earlier revisions may call. An
 * unready service may still serve with such a revision, and so may one that has to wait itself.
 */
export const planRemovals = (
  services: ReadonlyArray<Pick<Progress, "action" | "state"> & { readonly name: string }>,
  calls: ReadonlyMap<string, ReadonlySet<string>>
): Removals => {
  const leaving = services
    .filter((service) => service.action === "delete" && service.state !== "deleted")
    .map((service) => service.name)
  const waiting = new Map<string, Array<string>>(leaving.map((value) => [value, []]))
  const standing: Array<string> = services
    .filter((service) => service.action !== "delete" && service.state !== "ready")
    .map((service) => service.name)
  for (const caller of standing) {
    for (const callee of calls.get(caller) ?? []) {
      const callers = waiting.get(callee)
      if (callers === undefined || callee === caller) continue
      // The loop reaches it later: the services that it calls have to wait too.
      if (callers.length === 0) standing.push(callee)
      callers.push(caller)
    }
  }
  return {
    now: leaving.filter((value) => waiting.get(value)?.length === 0),
    waiting: new Map([...waiting].filter(([, callers]) => callers.length > 0))
  }
}
