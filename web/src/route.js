// The page's address: #/studies/NAME?trial=3. All that a reader can choose (trial, filters, sort) is kept
// in it, so that an address shows another reader the same.
import { signal } from '@preact/signals';

function parse() {
    const [path, query] = location.hash.replace(/^#/, '').split('?');
    return {
        path: path.split('/').filter(Boolean).map(decodeURIComponent),
        query: Object.fromEntries(new URLSearchParams(query ?? '')),
    };
}

export const route = signal(parse());
addEventListener('hashchange', () => (route.value = parse()));

export function href(path, query = {}) {
    const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
    return `#/${path.map(encodeURIComponent).join('/')}${text && `?${text}`}`;
}

// Changes parts of the query; '' or null takes one away. `replace` makes no step in the history.
export function setQuery(change, replace = true) {
    const { path, query } = route.value;
    const next = { ...query, ...change };
    history[replace ? 'replaceState' : 'pushState'](null, '', href(path, next));
    route.value = parse();
}

export function go(path, query) {
    location.hash = href(path, query);
}
