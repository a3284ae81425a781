import { operations, Role, type Rule } from "@maxcloud/sdk/api"

const scopeOf = ({ roles, scope }: Rule) =>
  roles === "open"
    ? ""
    : scope === undefined
      ? "no"
      : scope.at === "organization"
        ? scope.verb === "read"
          ? "any"
          : `any \`${scope.verb}\``
        : `\`${scope.verb}:app/stage\``

/** `docs/reference/roles.md`: who may do what, from the table that the server enforces. */
export const rolesPage = (): string =>
  [
    "# Roles",
    "",
    "Who may use which operation of the API. Generated from `sdk/src/api`, which the server enforces, by `npm run generate`.",
    "A key may do what both its own role and its creator's present role allow. *Narrowed key*: the scope that a key",
    "narrowed to apps and stages needs for the operation (`deploy` includes `read`).",
    "",
    `| operation | ${Role.literals.join(" | ")} | narrowed key | in the audit log |`,
    `|---|${Role.literals.map(() => "---|").join("")}---|---|`,
    ...operations.map(({ name, row }) => {
      const { roles } = row
      const cells = Role.literals.map((role) => (roles === "open" ? "·" : roles.includes(role) ? "yes" : ""))
      return `| \`${name}\` | ${cells.join(" | ")} | ${scopeOf(row)} | ${row.writes ? "always" : roles === "open" ? "" : "when refused"} |`
    }),
    "",
    "·: needs no credential.",
    ""
  ].join("\n")
