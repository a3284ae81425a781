import { maxSpecIssues, type SpecIssue } from "@maxcloud/config-schema"
import { InvalidSpec, inSpec } from "@maxcloud/sdk/api"

/** The refusal of an app, with its mistakes. */
export const invalidSpec = (issues: ReadonlyArray<SpecIssue>) => {
  const [first] = issues
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : ""
  const detail = first === undefined ? "The app is invalid." : `${first.message}${more}`
  return new InvalidSpec({ detail, errors: inSpec(issues.slice(0, maxSpecIssues)) })
}
