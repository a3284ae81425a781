import { Role } from "@maxcloud/sdk/api"
import { policy, type Rule } from "./policy.ts"

const scopeOf = ({ roles, scope }: Rule) =>
  roles === "open"
    ? ""
    : scope === undefined
      ? "no"
      : scope.at === "organization"
        ? "any"
        : `\`${scope.verb}:app/stage\``

/** `docs/reference/roles.md`: who may do what, from the table that the server enforces. */
export const rolesPage = (): string =>
  [
    "# Roles",
    "",
    "Who may do which operation of the API. Made from `server/src/tenancy/access/policy.ts`, which the server enforces, by `npm run generate`.",
    "A key may do what both its own role and its maker's present role allow. *Narrowed key*: which scope opens the operation to a key",
    "that is narrowed to apps and stages (`deploy` includes `read`).",
    "",
    `| operation | ${Role.literals.join(" | ")} | narrowed key | in the audit log |`,
    `|---|${Role.literals.map(() => "---|").join("")}---|---|`,
    ...Object.entries(policy).map(([operation, rule]) => {
      const { roles } = rule
      const cells = Role.literals.map((role) => (roles === "open" ? "·" : roles.includes(role) ? "yes" : ""))
      return `| \`${operation}\` | ${cells.join(" | ")} | ${scopeOf(rule)} | ${rule.writes ? "always" : roles === "open" ? "" : "when refused"} |`
    }),
    "",
    "·: needs no credential.",
    ""
  ].join("\n")
