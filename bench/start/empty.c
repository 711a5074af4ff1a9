/* SPDX-License-Identifier: Apache-2.0 */
/* The empty program: what starting a process costs when it does nothing. */

int main(void)
{
    return 0;
}
