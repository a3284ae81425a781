import { quoted, textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { integerText } from "./numberText.ts"

/** The field of a sort: `createdAt` for `-createdAt`. */
type FieldOf<Sort extends string> = Sort extends `-${infer Field}` ? Field : Sort

/** The order of a list: by a field, ascending, or descending with a leading `-`. */
export type SortOf<Sort extends string> = FieldOf<Sort> | `-${FieldOf<Sort>}`

/** The default number of items in a response. */
export const usualLimit = 100

/** A request for one page of a list. */
export interface Paging<Sort extends string = string> {
  readonly limit: number
  readonly sort: Sort
  /** The end of the previous page. */
  readonly cursor: string | undefined
}

/** One page of a list. `next` is the cursor of the following page; null for the last one. */
export interface Page<A> {
  readonly items: ReadonlyArray<A>
  readonly next: string | null
}

const sortsOf = (sorts: ReadonlyArray<string>) =>
  sorts.flatMap((sort) => (sort.startsWith("-") ? [sort, sort.slice(1)] : [sort, `-${sort}`]))

/**
 * A list of the API: the array in its response, and the query parameters of every list besides its own `filters`. The first of `sorts` is
 * the default. `most` is the largest `limit`.
 */
export const listOf = <A, I, const Sort extends string, Filters extends Schema.Struct.Fields>(
  item: Schema.Schema<A, I>,
  {
    filters,
    most = 1000,
    name,
    sorts
  }: {
    /** Refuses cursors of other lists. */
    readonly name: string
    readonly sorts: readonly [Sort, ...ReadonlyArray<Sort>]
    readonly filters: Filters
    readonly most?: number
  }
) => {
  const known = sortsOf(sorts)
  const isSort = (text: string): text is SortOf<Sort> => known.includes(text)
  const [usual] = known
  const usualSort = (): SortOf<Sort> => {
    if (usual === undefined || !isSort(usual)) throw new Error(`The list ${name} has no sort.`)
    return usual
  }
  const parameters = Schema.Struct({
    limit: Schema.optional(integerText(1, most)).annotations({
      description: `The maximum number of items in the response, up to ${most}. Default: ${Math.min(usualLimit, most)}.`
    }),
    cursor: Schema.optional(textUpTo(4000, "The cursor")).annotations({
      description: "The end of the previous page. Take it from the URL in its `Link` header; don't construct one."
    }),
    sort: Schema.optional(
      Schema.String.pipe(
        Schema.filter(isSort, {
          message: ({ actual }) => `${quoted(actual)} isn't a valid sort for this list. Use ${known.join(", ")}.`,
          jsonSchema: { enum: known }
        })
      )
    ).annotations({ description: `The order. A leading "-" means descending. Default: ${usual}.` }),
    ...filters
  })
  return {
    name,
    most,
    parameters,
    answer: Schema.Array(item),
    /** The request's values, with the defaults. */
    pagingOf: (asked: {
      readonly limit?: number | undefined
      readonly sort?: SortOf<Sort> | undefined
      readonly cursor?: string | undefined
    }): Paging<SortOf<Sort>> => ({
      limit: asked.limit ?? Math.min(usualLimit, most),
      sort: asked.sort ?? usualSort(),
      cursor: asked.cursor
    })
  }
}
