// A file of the API's for the user's disk. A link cannot carry the token, so it is made here.
import { call } from '../data/api.js';
import { attempt } from './dialog.jsx';

export async function save(path, name) {
    await attempt(async () => {
        const link = document.createElement('a');
        link.href = URL.createObjectURL(await call('GET', path, undefined, 'blob'));
        link.download = name;
        link.click();
        URL.revokeObjectURL(link.href);
    });
}
