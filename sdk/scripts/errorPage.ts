import { problemType } from "../src/api/errors.ts"
import { apiErrors, sdkErrors } from "../src/errorTable.ts"

const table = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string | number>>) =>
  [header, header.map(() => "---"), ...rows].map((each) => `| ${each.join(" | ")} |`)

const apiRow = <Tag extends keyof typeof apiErrors>(tag: Tag) => {
  const { exit, meaning, status }: (typeof apiErrors)[keyof typeof apiErrors] = apiErrors[tag]
  return [`\`${tag}\``, status, `\`${problemType(tag).replace(/.*\//, "…/")}\``, exit, meaning]
}
const tags = <Table extends object>(table: Table) =>
  Object.keys(table).filter((name): name is keyof Table & string => Object.hasOwn(table, name))

/** `docs/reference/errors.md`: every error, from the table that the API, the SDK and the CLI share. */
export const errorPage = (): string =>
  [
    "<!-- Written by `npm run generate` from sdk/src/errorTable.ts: change it there. -->",
    "",
    "# Errors",
    "",
    "```sh",
    "curl -i http://127.0.0.1:8080/api/v1/services/svc_00000000000000000000000000000000   # 404, a problem document",
    'maxcloud describe nothing --json; echo $?                                            # {"error":{"code":"NotFound",…}}, 5',
    "```",
    "",
    "The API answers every error with a problem document (RFC 9457): `type`, `title`, `status`, `detail` and `_tag`, the error's name. The SDK",
    "rejects with an error of that `_tag`, and the CLI ends with its exit code. Types begin with `https://maxcloud.dev/problems/`.",
    "",
    "## Of the API",
    "",
    ...table(["error", "status", "type", "exit code", "what it means"], tags(apiErrors).map(apiRow)),
    "",
    "## Of the SDK",
    "",
    "No request was answered, or it succeeded and what it began did not.",
    "",
    ...table(
      ["error", "exit code", "what it means"],
      Object.entries(sdkErrors).map(([tag, { exit, meaning }]) => [`\`${tag}\``, exit, meaning])
    ),
    ""
  ].join("\n")
