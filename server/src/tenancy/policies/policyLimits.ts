/** The limits of the work for policies, whoever wrote them. */
export const policyLimits = {
  /** Per organization. */
  policies: 30,
  expressionLength: 2_000,
  /** Nested brackets. The parser recurses for each, and formats its errors slowly. */
  nesting: 40,
  /** Parts of an expression: names, values, calls. */
  parts: 600,
  /** Units of work of one policy for one app. A unit is about a microsecond. */
  work: 200_000,
  /** Of all policies for one app. */
  allWork: 1_000_000,
  /** Characters in a text that an expression makes. */
  textLength: 100_000,
  /** Items in a list that an expression makes. */
  listLength: 5_000
} as const
