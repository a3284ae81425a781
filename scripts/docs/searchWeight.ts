/**
 * How much a page counts in the site's search: what a user works with stands before why it was built so. VitePress sends the function's
 * text to the browser, so it names nothing outside of itself.
 */
export const searchWeight = (page: string): number => (/\/(?:decisions|internals|project)\//.test(page) ? 0.3 : 1)
