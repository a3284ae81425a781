import { apiErrors, codeOf, problemPath, sdkErrors, serviceErrors } from "../src/errorTable.ts"

const table = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string | number>>) =>
  [header, header.map(() => "---"), ...rows].map((each) => `| ${each.join(" | ")} |`)

const apiRow = <Tag extends keyof typeof apiErrors>(tag: Tag) => {
  const { exit, meaning, status }: (typeof apiErrors)[keyof typeof apiErrors] = apiErrors[tag]
  return [`\`${codeOf(tag)}\``, status, `\`${problemPath(tag)}\``, `\`${tag}\``, exit, meaning]
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
    'maxcloud describe nothing --json; echo $?                                            # {"error":{"code":"not_found",…}}, 5',
    "```",
    "",
    "Every error is a problem document (RFC 9457), `application/problem+json`:",
    "",
    "| field | meaning |",
    "| --- | --- |",
    "| `type` | the page that explains the problem, relative to the API: `/problems/not-found`. Each server has these pages, in English and German. In responses for a service it is an absolute URL |",
    "| `title`, `status` | the kind of problem in words, and the HTTP status |",
    "| `detail` | what happened, where, and how to fix it |",
    "| `code` | the kind of problem for programs. Distinguish errors by this. Handle an unknown code by its `status` |",
    "| `instance` | the request's path, without its query |",
    "| `requestId` | identifies the request in the server's log; also in `X-Request-Id` |",
    "| `errors` | every mistake in the request: `pointer` (RFC 6901) for a place in the body, or `parameter` and `in` (`query`, `path`, `header`); then `code` and `detail` |",
    "",
    "`code` in `errors` is `missing`, `unknown_field`, `wrong_type`, `invalid_value` or `conflict`. `--json` prints the same fields under",
    "`error`, with `exitCode`, and `fix` if there is one. The SDK rejects with an error whose `_tag` is in the tables.",
    "",
    "## Of the API",
    "",
    ...table(["code", "status", "type", "`_tag`", "exit code", "meaning"], tags(apiErrors).map(apiRow)),
    "",
    "## For a service's callers",
    "",
    "The proxy and the gateway send these if no instance of the service can respond. Browsers get a page instead.",
    "",
    ...table(
      ["code", "status", "type", "meaning"],
      tags(serviceErrors).map((tag) => {
        const { meaning, status } = serviceErrors[tag]
        return [`\`${codeOf(tag)}\``, status, `\`${problemPath(tag)}\``, meaning]
      })
    ),
    "",
    "## Of the SDK",
    "",
    "Either the request got no response, or it succeeded but the deployment or restart that it started didn't.",
    "",
    ...table(
      ["code", "`_tag`", "exit code", "meaning"],
      Object.entries(sdkErrors).map(([tag, { exit, meaning }]) => [`\`${codeOf(tag)}\``, `\`${tag}\``, exit, meaning])
    ),
    ""
  ].join("\n")
