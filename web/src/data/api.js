// Calls of the HTTP API. An answer that is not 2xx is thrown as a Problem, with the coordinator's own words.
import { settled } from '../stream/client.js';
import { another, token } from './token.js';

export class Problem extends Error {
    constructor(status, body) {
        super(
            body?.detail ||
                body?.title ||
                (status
                    ? `The coordinator answered ${status}.`
                    : 'The coordinator does not answer.'),
        );
        this.status = status;
        this.errors = body?.errors ?? [];
    }
}

// `body` is JSON text. `as` 'text' and 'blob' give the answer as it came.
export async function call(method, path, body, as = 'json') {
    await settled;
    for (;;) {
        const used = token.value;
        const headers = {};
        if (used) headers.Authorization = `Bearer ${used}`;
        if (body !== undefined) headers['Content-Type'] = 'application/json';
        let answer;
        try {
            answer = await fetch(`/api/v1${path}`, { method, headers, body, cache: 'no-store' });
        } catch {
            throw new Problem(0);
        }
        if (answer.status === 401) {
            await another(used);
            continue;
        }
        if (answer.ok && as === 'blob') return answer.blob();
        const text = await answer.text();
        if (answer.ok && as === 'text') return text;
        let value = null;
        try {
            value = text ? JSON.parse(text) : null;
        } catch {
            throw new Problem(answer.status, { detail: 'The answer is not JSON.' });
        }
        if (!answer.ok) throw new Problem(answer.status, value);
        return value;
    }
}

export const get = (path) => call('GET', path);

// Part of a path: a name as the user gave it.
export const part = (name) => encodeURIComponent(name);

// All pages of a list, up to `limit` items; `each` gets the items of a page as it comes.
export async function pages(path, key, limit, each) {
    const join = path.includes('?') ? '&' : '?';
    let next = '';
    let count = 0;
    do {
        const page = await get(path + (next && `${join}page_token=${part(next)}`));
        each(page[key]);
        count += page[key].length;
        next = page.next_page_token;
    } while (next && count < limit);
    return { complete: !next };
}
