import type { Open } from "./api/openEnum.ts"

/** A mistake in a config or a request, by its path. */
interface Issue {
  readonly path: ReadonlyArray<string | number>
  readonly message: string
  readonly code?: string | undefined
}

/** A mistake, in a problem document's form. */
interface Place {
  readonly pointer?: string | undefined
  readonly parameter?: string | undefined
  readonly in?: Open<"query" | "path" | "header"> | undefined
  readonly code: string
  readonly detail: string
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
export const inBody = (issues: ReadonlyArray<Issue>, at: Issue["path"] = []): ReadonlyArray<Place> =>
  issues.map(({ code = defaultCode, message, path }) => ({
    pointer: pointerOf([...at, ...path]),
    code,
    detail: message
  }))

/** Issues of parameters. The first part of a path is the parameter's name. */
export const inParameters = (issues: ReadonlyArray<Issue>, place: NonNullable<Place["in"]>): ReadonlyArray<Place> =>
  issues.map(({ code = defaultCode, message, path }) => ({
    ...(path[0] === undefined ? {} : { parameter: String(path[0]) }),
    in: place,
    code,
    detail: message
  }))

const specPointer = "/spec"

/** Converts a request's mistake into an issue of the app in its `spec`. */
export const specIssueOf = ({ code, detail, parameter, pointer = "" }: Place): Issue => {
  const inSpec = pointer === specPointer || pointer.startsWith(`${specPointer}/`)
  const path = pathOfPointer(inSpec ? pointer.slice(specPointer.length) : pointer)
  return { path: parameter === undefined ? path : [parameter], message: detail, code }
}
