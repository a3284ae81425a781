/** The dispatcher type of `fetch`, from the types of the Node version that this compiles for. */
export type FetchDispatcher = RequestInit extends { dispatcher?: infer Dispatcher } ? NonNullable<Dispatcher> : object

/** Whether it is an undici dispatcher. Node accepts any version's, although their types differ. */
export const isDispatcher = (value: object): value is FetchDispatcher => "dispatch" in value
