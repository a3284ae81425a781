import { AuditEntry } from "@maxcloud/sdk/api"
import { personTables } from "./exportedPerson.ts"
import { organizationTables } from "./exportedTables.ts"

/** Lines that don't come from a table, and their members. */
const others = {
  organization: {
    source: ["digest", "bytes"],
    auditEntry: Object.keys(AuditEntry.fields),
    logLine: ["namespace", "service", "revision", "instance", "at", "line"]
  },
  person: {
    auditEntry: [
      ...["organizationId", "sequence", "at", "action", "outcome", "status", "credentialId", "email", "address"],
      ...["requestId", "hash"]
    ]
  }
}

const tables = { organization: organizationTables, person: personTables }

/** The members of `data` by the type of a line. */
export const membersOf = (subject: keyof typeof tables): Readonly<Record<string, ReadonlyArray<string>>> => ({
  ...Object.fromEntries(tables[subject].map(({ fields, type }) => [type, Object.keys(fields)])),
  ...others[subject]
})

const tableOf = (subject: keyof typeof tables) => [
  "| type | members of `data` |",
  "|---|---|",
  ...Object.entries(membersOf(subject)).map(
    ([type, members]) => `| \`${type}\` | ${members.map((member) => `\`${member}\``).join(", ")} |`
  )
]

/** `docs/reference/exports.md`: the contents of an export, from the tables that it reads. */
export const exportPage = (): string =>
  [
    "# Exports",
    "",
    "```sh",
    "maxcloud org export --out acme.jsonl",
    "maxcloud account export --out me.jsonl",
    "```",
    "",
    "The lines of [an export](../privacy.md#export), by their `type`. Made from the exported tables by `npm run generate`.",
    "",
    "An export is a copy of what is stored. Its members are the stored ones, and not always those of the API: a service here has its `image` and",
    "`deployment` beside `spec`, for instance. An absent value is `null`.",
    "",
    "## Of an organization",
    "",
    ...tableOf("organization"),
    "",
    "## Of a person",
    "",
    ...tableOf("person"),
    ""
  ].join("\n")
