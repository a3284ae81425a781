/** What a service should answer: the version that was deployed last, or nothing after its app was removed. */
type Version = string | undefined

/** A change that an app was asked for, and that may have happened although the answer was cut off. */
interface Change {
  readonly version: Version
}

/** What one app may be like: its last acknowledged change, or one after it that nobody knows the end of. */
class AppChanges {
  #certain: Version
  #possible: Array<Change> = []

  begin(version: Version): Change {
    const change = { version }
    this.#possible.push(change)
    return change
  }

  /** The server has taken it: what came before no longer counts. */
  acknowledge(change: Change): void {
    this.#certain = change.version
    this.#possible = this.#possible.slice(this.#possible.indexOf(change) + 1)
  }

  refuse(change: Change): void {
    this.#possible = this.#possible.filter((value) => value !== change)
  }

  allows(version: Version): boolean {
    return version === this.#certain || this.#possible.some((each) => each.version === version)
  }

  get expected(): string {
    return [this.#certain, ...this.#possible.map((each) => each.version)]
      .map((value) => value ?? "nothing")
      .join(" or ")
  }
}

/** All that a server has acknowledged, and so may not lose. */
export class Acknowledged {
  /** Accepted deployments (removals are some too), with the state in which they ended. */
  readonly deployments = new Map<string, string | undefined>()
  readonly secrets: Array<string> = []
  /** Lines of the log that a reader was given. */
  readonly lines = new Set<string>()
  readonly #apps = new Map<string, AppChanges>()
  requests = 0

  app(name: string): AppChanges {
    const known = this.#apps.get(name)
    if (known !== undefined) return known
    const app = new AppChanges()
    this.#apps.set(name, app)
    return app
  }

  get apps(): ReadonlyMap<string, AppChanges> {
    return this.#apps
  }

  get open(): ReadonlyArray<string> {
    return [...this.deployments].flatMap(([id, state]) => (state === undefined ? [id] : []))
  }
}
