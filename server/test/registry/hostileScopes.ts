import { randomOf } from "../randomOf.ts"

/**
 * Scopes with which a caller of the organization `own` tries to get more than its own repositories, or more than `pull` and
 * `push`: other organizations, traversals, escapes, letter case, homoglyphs, control characters, foreign types, classes and
 * actions, and random combinations of them. A token may contain none.
 */
export const hostileScopes = (own: string, other: string): ReadonlyArray<string> => {
  const app = "shop"
  const names = [
    `${other}/${app}`,
    `${own}`,
    `${own}/`,
    `/${own}/${app}`,
    `${own}//${app}`,
    `${own}/${app}/`,
    `${own}/${app}/cache`,
    `${own}/../${other}/${app}`,
    `${own}/..`,
    `${own}/./${app}`,
    `${own}/${app}/../../${other}/${app}`,
    `${own}%2f${app}`,
    `${own}%2F..%2F${other}%2F${app}`,
    `${own}\\${app}`,
    `${own}/${app}\u0000`,
    `${own}/${app}\n`,
    `${own}/${app}\t`,
    `${own}/${app};${other}/${app}`,
    `${own}/${app}@sha256`,
    `${own}/${app}?x=1`,
    `${own}/${app}#x`,
    `${own.toUpperCase()}/${app}`,
    `${own}/${app.toUpperCase()}`,
    `${own}/ѕhop`,
    `${own}/sh\u200bop`,
    `${own}/＊`,
    `${own}/*`,
    `*/${app}`,
    "*",
    "**",
    "",
    ".",
    "..",
    app,
    `library/${app}`,
    `127.0.0.1:5000/${own}/${app}`,
    `registry.example.com/${own}/${app}`,
    `${own}x/${app}`,
    `x${own}/${app}`,
    `${own.slice(0, -1)}/${app}`,
    `${own}/${app}--x`,
    `${own}/-${app}`,
    `${own}/${app}-`,
    `${own}/${"a".repeat(64)}`,
    `${own}/constructor.prototype`,
    `${own}/__proto__`,
    `org_*/${app}`,
    `${other}/${app},${own}/${app}`
  ]
  const actions = ["pull", "push", "pull,push", "*", "delete", "pull,push,delete,*", "PULL", "", "pull push", "admin"]
  const types = ["repository", "Repository", "repository(plugin)", "repository(image)", "registry", "repo", "", "*"]
  const all = names.flatMap((name) => actions.map((action) => `repository:${name}:${action}`))
  // The caller's own repository, but with what nobody gets.
  const allowed = `${own}/${app}`
  for (const type of types.slice(1)) for (const action of actions) all.push(`${type}:${allowed}:${action}`)
  for (const action of actions.filter((each) => !/\b(pull|push)\b/.test(each)))
    all.push(`repository:${allowed}:${action}`)
  for (const name of names) all.push(`registry:${name}:*`, `repository:${name}`, name)
  all.push(
    "registry:catalog:*",
    `repository:${allowed}:pull:push`,
    `repository:repository:${allowed}:pull`,
    `:${allowed}:pull`
  )
  const random = randomOf(16)
  const pick = (from: ReadonlyArray<string>) => from[Math.floor(random() * from.length)] ?? ""
  while (all.length < 1_500) {
    const type = pick(types)
    const name =
      random() < 0.5 ? pick(names) : `${pick(names)}${pick(["/", "%2f", "..", ",", ":", "//"])}${pick(names)}`
    // The one combination that isn't hostile.
    if (name !== allowed) all.push(`${type}:${name}:${pick(actions)}`)
  }
  return all
}
