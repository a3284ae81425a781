/** The expected response of a service: the version of its last deployment; undefined after its app was removed. */
type Version = string | undefined

/** A requested change of an app. It may have happened even if the response was lost. */
interface Change {
  readonly version: Version
}

/** The possible states of one app: its last acknowledged change, or a later one with an unknown outcome. */
class AppChanges {
  #certain: Version
  #possible: Array<Change> = []

  begin(version: Version): Change {
    const change = { version }
    this.#possible.push(change)
    return change
  }

  /** The server acknowledged it, so earlier changes no longer count. */
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

/** Everything that a server has acknowledged and must not lose. */
export class Acknowledged {
  /** Accepted deployments, including removals, with their final state. */
  readonly deployments = new Map<string, string | undefined>()
  readonly secrets: Array<string> = []
  /** Log lines that a reader received. */
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
