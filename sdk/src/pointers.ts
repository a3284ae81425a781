import type { ProblemError } from "./api/problemErrors.ts"

/** A mistake in a config or a request, by its path. */
interface Issue {
  readonly path: ReadonlyArray<string | number>
  readonly message: string
  readonly code?: string | undefined
}

const defaultCode = "invalid_value"

/** RFC 6901: `["services", 0, "a/b"]` as `/services/0/a~1b`. */
export const pointerOf = (path: Issue["path"]): string =>
  path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("")

/** The path of a pointer. Numbers become list indexes. */
export const pathOfPointer = (pointer: string): Issue["path"] =>
  pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((part) => (/^(0|[1-9]\d{0,8})$/.test(part) ? Number(part) : part))

/** Issues of the value at `at` in the body. */
export const inBody = (issues: ReadonlyArray<Issue>, at: Issue["path"] = []): ReadonlyArray<ProblemError> =>
  issues.map(({ code = defaultCode, message, path }) => ({
    pointer: pointerOf([...at, ...path]),
    code,
    detail: message
  }))

/** Issues of the app in a request's or a deployment's `spec`. */
export const inSpec = (issues: ReadonlyArray<Issue>): ReadonlyArray<ProblemError> => inBody(issues, ["spec"])

/** Issues of parameters. The first part of a path is the parameter's name. */
export const inParameters = (
  issues: ReadonlyArray<Issue>,
  place: NonNullable<ProblemError["in"]>
): ReadonlyArray<ProblemError> =>
  issues.map(({ code = defaultCode, message, path }) => ({
    ...(path[0] === undefined ? {} : { parameter: String(path[0]) }),
    in: place,
    code,
    detail: message
  }))

const specPointer = "/spec"

/** The opposite of `inSpec`. */
export const specIssueOf = ({ code, detail, parameter, pointer = "" }: ProblemError): Issue => {
  const isInSpec = pointer === specPointer || pointer.startsWith(`${specPointer}/`)
  const path = pathOfPointer(isInSpec ? pointer.slice(specPointer.length) : pointer)
  return { path: parameter === undefined ? path : [parameter], message: detail, code }
}
