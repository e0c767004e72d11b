export const SITE_IDS = ['app', 'pay', 'club', 'shop', 'files'] as const

export type SiteId = (typeof SITE_IDS)[number]

interface Item {
  readonly name: string
  readonly detail: string
  readonly value: string
}

/** What makes one sample application look different from the next. */
export interface SiteContent {
  readonly id: SiteId
  readonly title: string
  readonly tagline: string
  /** Accent on white and on black, each readable as text (WCAG 2.2 §1.4.3). */
  readonly color: { readonly light: string; readonly dark: string }
  readonly heading: string
  readonly list: { readonly title: string; readonly items: readonly Item[] }
  /** Pages besides the ones that every site has. */
  readonly pages: readonly {
    readonly path: string
    readonly label: string
    readonly page: 'admin' | 'public' | 'transfer'
  }[]
}

export const SITES: Readonly<Record<SiteId, SiteContent>> = {
  app: {
    id: 'app',
    title: 'Acme Intranet',
    tagline: 'Any signed-in employee',
    color: { light: '#1f5fbf', dark: '#8db8ff' },
    heading: 'Good to see you',
    list: {
      title: 'Notices',
      items: [
        { name: 'Canteen', detail: 'Lentil soup, spinach lasagne, apple cake', value: 'today' },
        { name: 'All hands', detail: 'Second-quarter review, main hall and stream', value: 'Thursday' },
        { name: 'New badge printers', detail: 'Ground floor, next to the reception desk', value: 'from May' },
      ],
    },
    pages: [
      { path: '/admin/', label: 'Administration', page: 'admin' },
      { path: '/public/', label: 'Public page', page: 'public' },
    ],
  },
  pay: {
    id: 'pay',
    title: 'Acme Pay',
    tagline: 'Finance, with a second factor',
    color: { light: '#0f766e', dark: '#5eead4' },
    heading: 'Payments',
    list: {
      title: 'Last payments',
      items: [
        { name: 'Northwind Paper', detail: 'Invoice 2041', value: '1,280.00' },
        { name: 'City Waterworks', detail: 'First quarter', value: '312.40' },
        { name: 'Halden Logistics', detail: 'Invoice 889, part 2 of 3', value: '7,450.00' },
      ],
    },
    pages: [{ path: '/transfer', label: 'New transfer', page: 'transfer' }],
  },
  club: {
    id: 'club',
    title: 'Acme Club',
    tagline: 'For customers',
    color: { light: '#a3195b', dark: '#f9a8d4' },
    heading: 'Welcome to the club',
    list: {
      title: 'Your benefits',
      items: [
        { name: 'Points', detail: 'Collected since January', value: '2,140' },
        { name: 'Free delivery', detail: 'On every order', value: 'active' },
        { name: 'Spring voucher', detail: 'Valid until the end of June', value: '15 %' },
      ],
    },
    pages: [],
  },
  shop: {
    id: 'shop',
    title: 'Partner Shop',
    tagline: 'Another company, another domain',
    color: { light: '#a34a00', dark: '#fbbf6b' },
    heading: 'Staff prices',
    list: {
      title: 'Popular this week',
      items: [
        { name: 'Desk lamp', detail: 'Warm white, dimmable', value: '39.00' },
        { name: 'Standing mat', detail: 'Recycled rubber', value: '54.50' },
        { name: 'Notebook, dotted', detail: 'Pack of three', value: '12.90' },
      ],
    },
    pages: [],
  },
  files: {
    id: 'files',
    title: 'Supplier Files',
    tagline: 'A third company, a third domain',
    color: { light: '#6d28d9', dark: '#c4b5fd' },
    heading: 'Shared documents',
    list: {
      title: 'Recently changed',
      items: [
        { name: 'Drawing A-113', detail: 'Revision 4, by K. Lindqvist', value: '2.4 MB' },
        { name: 'Delivery schedule', detail: 'Weeks 20 to 32', value: '88 KB' },
        { name: 'Test report 7', detail: 'Housing, salt spray', value: '611 KB' },
      ],
    },
    pages: [],
  },
}
